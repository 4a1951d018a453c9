import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, describe, it } from 'node:test';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import type { EmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { Compacted, LedgerInUse, LedgerUnusable } from '../../src/ledger/errors.ts';
import type { KeyChange } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { listed, watched } from '../contract/store.ts';

const never = new AbortController().signal;
const root = mkdtempSync(join(tmpdir(), 'corral-crash-'));
after(() => rmSync(root, { recursive: true }));

const opened = (directory: string): Promise<EmbeddedStore> =>
  openEmbeddedStore({ directory, clock: systemClock, log: silentLog });

/** Runs a writer and kills it once it has acknowledged so many commits. @returns what it acknowledged */
async function killedAfter(directory: string, run: number, count: number): Promise<string[]> {
  const script = join(import.meta.dirname, 'embedded-writer.ts');
  const argv = ['--import', 'tsx', script, directory, String(run)];
  const writer = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  writer.stdout.on('data', (data) => {
    told += String(data);
    if (told.split('\n').length > count) writer.kill('SIGKILL');
  });
  await once(writer, 'close');
  return told.split('\n').slice(0, -1);
}

async function assertWhole(store: EmbeddedStore, run: number, told: readonly string[]) {
  const kept = new Map((await listed(store, `/all/${run}/`)).map((entry) => [entry.key, entry]));
  for (const line of told) {
    const [writer, n, revision] = line.split(' ');
    const entry = kept.get(`/all/${run}/${writer}/${n}`);
    assert.equal(entry?.revision, Number(revision), `acknowledged and lost: ${line}`);
  }
  for (let writer = 0; writer < 32; writer += 1) {
    const [left, right] = await listed(store, `/pair/${writer}/`);
    assert.deepEqual([left?.value, left?.revision], [right?.value, right?.revision], 'torn');
  }
}

describe('embedded store after kill -9 in the middle of commits', () => {
  const directory = join(root, 'killed');
  for (let run = 0; run < 8; run += 1)
    it(`has nothing torn and nothing acknowledged lost, run ${run + 1}`, async () => {
      const told = await killedAfter(directory, run, 300 + 357 * run);
      const store = await opened(directory);
      try {
        await assertWhole(store, run, told);
        const { revision } = await store.range({ prefix: '/', limit: 1 }, never);
        const { changes } = await watched(store, { prefix: '/all/', after: 0 }, (seen) =>
          reaches(seen, revision),
        );
        assert.equal(new Set(changes.map(({ key }) => key)).size, changes.length);
        assert.equal(changes.length, (await listed(store, '/all/')).length);
      } finally {
        await store.close();
      }
    });
});

const reaches = (seen: readonly KeyChange[], revision: number): boolean =>
  (seen.at(-1)?.revision ?? 0) >= revision;

describe('embedded store on reopening', () => {
  it('goes on from its revision, with every key, its history and its order', async () => {
    const directory = join(root, 'again');
    const first = await opened(directory);
    const made = await first.commit({ guards: [], writes: [{ put: '/é', value: '1' }] }, never);
    const next = [
      { put: '/é', value: '2' },
      { put: '/z', value: 'z' },
    ];
    const last = await first.commit({ guards: [], writes: next }, never);
    await first.commit({ guards: [], writes: [{ drop: '/z' }] }, never);
    await first.close();
    const second = await opened(directory);
    assert.deepEqual(await second.get('/é', never), {
      key: '/é',
      value: '2',
      revision: last.revision,
      created: made.revision,
    });
    const from = { prefix: '/', after: 0 };
    const { changes } = await watched(second, from, (seen) => seen.length >= 4);
    assert.deepEqual(
      changes.map(({ key, revision, entry }) => [key, revision, entry?.value, entry?.created]),
      [
        ['/é', 1, '1', 1],
        ['/é', 2, '2', 1],
        ['/z', 2, 'z', 2],
        ['/z', 3, undefined, undefined],
      ],
    );
    assert.equal((await second.commit({ guards: [], writes: next }, never)).revision, 4);
    await assert.rejects(second.range({ prefix: '/', at: 2 }, never), Compacted);
    await second.close();
  });

  it('ends the holdings of the process before, and keeps those that are kept', async () => {
    const directory = join(root, 'holdings');
    const first = await opened(directory);
    const gone = await first.hold(5_000, never); // long enough for a look at what is there
    const kept = await first.served.hold(86_400_000, never);
    const writes = [
      { put: '/gone', value: '', holding: gone },
      { put: '/kept', value: '', holding: { ...gone, id: kept } },
    ];
    const { revision } = await first.commit({ guards: [], writes }, never);
    await first.close();
    assert(gone.lost.aborted);
    const second = await opened(directory);
    assert.equal((await listed(second, '/')).length, 2);
    assert.equal(second.served.keep(kept), true);
    const { changes } = await watched(
      second,
      { prefix: '/', after: revision },
      (seen) => seen.length > 0,
    );
    assert.deepEqual(
      changes.map(({ key, entry }) => [key, entry]),
      [['/gone', undefined]],
    );
    assert.deepEqual(
      (await listed(second, '/')).map(({ key }) => key),
      ['/kept'],
    );
    await second.close();
  });

  it('remembers what a marked commit came to, across a restart', async () => {
    const directory = join(root, 'marks');
    const first = await opened(directory);
    const session = await first.served.hold(86_400_000, never);
    const asked = (key: string) => ({
      guards: [{ key, revision: 0 }],
      writes: [{ put: key, value: '' }],
    });
    const once = { session, slot: 3, sequence: 7 };
    const won = await first.served.commitOnce(asked('/a'), once, never);
    await first.close();
    const second = await opened(directory);
    assert.deepEqual(await second.served.commitOnce(asked('/a'), once, never), won);
    const late = { session, slot: 3, sequence: 6 };
    assert.equal((await second.served.commitOnce(asked('/late'), late, never)).won, false);
    assert.equal(await second.get('/late', never), undefined);
    await second.close();
  });
});

describe('opening an embedded store', () => {
  it('is refused to a second process, naming the directory', async () => {
    const directory = join(root, 'locked');
    const first = await opened(directory);
    await assert.rejects(opened(directory), (fault) => {
      assert(fault instanceof LedgerInUse);
      assert.equal(fault.message, `the ledger at "${directory}" is in use by another process`);
      return true;
    });
    await first.close();
    await (await opened(directory)).close();
  });

  it('is refused where there is no directory', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    await assert.rejects(opened(file), LedgerUnusable);
    await assert.rejects(opened(join(file, 'below')), LedgerUnusable);
  });

  it('makes the directory, for its owner only', async () => {
    const directory = join(root, 'made', 'below');
    await (await opened(directory)).close();
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    chmodSync(directory, 0o700);
  });
});

describe('embedded store on a disk that is full', () => {
  it('refuses the commit and all after it, and has what it acknowledged', async () => {
    const directory = join(root, 'full');
    const script = join(import.meta.dirname, 'embedded-full.ts');
    const shell = 'ulimit -f 200; exec "$0" "$@"';
    const argv = ['-c', shell, process.execPath, '--import', 'tsx', script, directory];
    const child = spawn('bash', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    child.stdout.on('data', (data) => (told += String(data)));
    await once(child, 'close');
    const outcome = JSON.parse(told) as { acknowledged: number; faults: string[] };
    assert.deepEqual(outcome.faults, ['ledger-unusable', 'ledger-unusable']);
    const store = await opened(directory);
    const keys = (await listed(store, '/')).length;
    assert(keys >= outcome.acknowledged, `${outcome.acknowledged} acknowledged, ${keys} kept`);
    await store.close();
  });
});
