import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { crc32 } from 'node:zlib';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JournalUnusable } from '../../src/agent/journal-errors.ts';
import { lineOf, replay } from '../../src/agent/journal-lines.ts';
import type { Journal, PendingRelease } from '../../src/agent/journal.ts';
import { openJournal } from '../../src/agent/journal.ts';
import { silentLog } from '../../src/plumbing/log.ts';

const entry = (n: number): PendingRelease => ({
  address: `198.51.100.${n}`,
  incarnation: `c${n}`,
  pool: 'prod-1',
  atMs: 1_700_000_000_000 + n,
});
const open = (directory: string): Promise<Journal> => openJournal(directory, { log: silentLog });

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'corral-journal-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A disk of 64 KiB. */
async function smallDisk(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'corral-journal-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'corral-test', directory]);
  t.after(async () => {
    execFileSync('umount', [directory]);
    await rm(directory, { recursive: true });
  });
  return directory;
}
const fileIn = (directory: string): string => join(directory, 'releases.journal');

describe('the journal of releases', () => {
  it('has what was added and not settled, in order, after it was opened again', async (t) => {
    const directory = await place(t);
    const first = await open(join(directory, 'made', 'below'));
    for (const n of [3, 1, 2, 4]) await first.add(entry(n));
    await first.settle(entry(1));
    await first.close();
    const again = await open(join(directory, 'made', 'below'));
    assert.deepEqual(again.pending(), [entry(3), entry(2), entry(4)]);
    await again.close();
    assert.equal((await stat(join(directory, 'made', 'below'))).mode & 0o777, 0o700);
  });

  it('keeps holdings of one address apart, and takes the same entry twice as one', async (t) => {
    const journal = await open(await place(t));
    const later = { ...entry(1), incarnation: 'later' };
    await Promise.all([journal.add(entry(1)), journal.add(entry(1)), journal.add(later)]);
    await journal.settle({ ...later, incarnation: 'c1' });
    await journal.settle({ ...later, incarnation: 'unheard of' });
    assert.deepEqual(journal.pending(), [later]);
    await journal.close();
    await assert.rejects(journal.add(entry(2)), JournalUnusable);
  });

  it('is written anew once most of it is settled', async (t) => {
    const directory = await place(t);
    const journal = await open(directory);
    await journal.add(entry(1));
    for (let n = 0; n < 3_000; n += 1) {
      const one = { ...entry(2), incarnation: `c${n}` };
      void journal.add(one);
      await journal.settle(one);
    }
    const lines = (await readFile(fileIn(directory), 'utf8')).split('\n').length;
    assert(lines < 2_000, `${lines} lines are left`);
    await journal.close();
    const again = await open(directory);
    assert.deepEqual(again.pending(), [entry(1)]);
    await again.close();
  });

  it('keeps a release that was asked for again while the ledger was told of the one before', async (t) => {
    const directory = await place(t);
    const journal = await open(directory);
    const younger = { ...entry(1), atMs: entry(1).atMs + 1 };
    await journal.add(entry(1));
    const told = journal.pending();
    await journal.add(younger);
    for (const one of told) await journal.settle(one);
    assert.deepEqual(journal.pending(), [younger]);
    await journal.close();
    const again = await open(directory);
    assert.deepEqual(again.pending(), [younger]);
    await again.close();
  });

  it('says which file cannot be used, and why', async (t) => {
    const directory = await place(t);
    await writeFile(join(directory, 'file'), '');
    await assert.rejects(open(join(directory, 'file')), (fault: JournalUnusable) => {
      assert.equal(fault.code, 'journal-unusable');
      assert.match(fault.message, /^the journal ".*releases.journal" is not usable: E/);
      return true;
    });
  });
});

describe('a damaged journal', () => {
  const lines = [1, 2, 3].map((n) => lineOf({ added: entry(n) }));
  const whole = [
    ...lines,
    lineOf({
      settled: {
        address: entry(2).address,
        incarnation: entry(2).incarnation,
        atMs: entry(2).atMs,
      },
    }),
  ];
  const text = whole.join('');

  it('cut anywhere has the lines before the cut', () => {
    const ends = whole.map((_, n) => whole.slice(0, n + 1).join('').length);
    for (let end = 0; end <= text.length; end += 1) {
      // A line is whole without its line break too.
      const kept = whole.filter((_, n) => (ends[n] as number) - 1 <= end);
      assert.deepEqual(replay(text.slice(0, end)).pending, replay(kept.join('')).pending);
    }
  });

  it('with one byte changed loses that line and no other', () => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (bytes[at] as number) ^ 1;
      const { pending, damaged: count } = replay(damaged.toString());
      const lost = text.slice(0, at).split('\n').length - 1;
      if (bytes[at] === 10) continue; // two lines became one: both are lost
      assert.equal(count, 1, `byte ${at}`);
      const expected = replay(whole.filter((_, n) => n !== lost).join('')).pending;
      assert.deepEqual(pending, expected, `byte ${at}`);
    }
  });

  it('takes lines behind a torn one', async (t) => {
    const directory = await place(t);
    const first = await open(directory);
    await first.add(entry(1));
    await first.close();
    await appendFile(fileIn(directory), lineOf({ added: entry(2) }).slice(0, 20));
    const second = await open(directory);
    await second.add(entry(3));
    await second.close();
    const third = await open(directory);
    assert.deepEqual(third.pending(), [entry(1), entry(3)]);
    await third.close();
  });

  for (const [says, json] of [
    ['of another shape', '{"added":{"address":1}}'],
    ['that says two things', '{"added":{"address":"a","incarnation":"b","atMs":1},"settled":{}}'],
    ['with a key twice', '{"settled":{"address":"a","address":"b","incarnation":"c"}}'],
    ['of nothing', 'null'],
  ] as const)
    it(`passes over a line ${says}`, () => {
      const sum = crc32(json).toString(16).padStart(8, '0'); // right; the content is not
      assert.equal(replay(`${sum} ${json}\n`).damaged, 1);
    });
});

describe('any history of adds, settles, crashes', () => {
  it('leaves what a map would have', async (t) => {
    const directory = await place(t);
    const step = fc.record({
      do: fc.constantFrom('add', 'add', 'settle', 'open', 'tear'),
      n: fc.integer({ min: 1, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await rm(fileIn(directory), { force: true });
        const model = new Map<number, PendingRelease>();
        let journal = await open(directory);
        for (const { do: what, n } of steps) {
          if (what === 'add') {
            await journal.add(entry(n));
            if (!model.has(n)) model.set(n, entry(n));
          } else if (what === 'settle') {
            await journal.settle(entry(n));
            model.delete(n);
          } else {
            await journal.close();
            if (what === 'tear') await appendFile(fileIn(directory), `0badf00d {"added":{"a`);
            journal = await open(directory);
          }
          assert.deepEqual(journal.pending(), [...model.values()]);
        }
        await journal.close();
      }),
      { numRuns: 60 },
    );
  });
});

describe('a journal whose process is killed', () => {
  it('has every release that was acknowledged, round after round', async (t) => {
    const directory = await place(t);
    const script = join(import.meta.dirname, 'journal-writer.ts');
    const added = new Set<number>();
    const settling = new Set<number>();
    let next = 0;
    for (let round = 0; round < 5; round += 1) {
      const argv = ['--import', 'tsx', script, directory, String(next)];
      const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
      const killAfter = 40 + 37 * round;
      let seen = 0;
      for await (const line of createInterface(child.stdout)) {
        const [word, n] = line.split(' ');
        if (word === 'added') added.add(Number(n));
        if (word === 'settling') settling.add(Number(n));
        if ((seen += 1) === killAfter) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
      next = Math.max(...added) + 2; // one more may have been written unheard
      const journal = await open(directory);
      const kept = new Set(journal.pending().map(({ atMs }) => atMs));
      const lost = [...added].filter((n) => !kept.has(n) && !settling.has(n));
      assert.deepEqual(lost, [], `round ${round}`);
      await journal.close();
    }
    assert(added.size > 100, `${added.size} were added in all`);
  });
});

describe('a journal on a disk that is full', () => {
  it('says so, keeps the entry meanwhile, and writes it once there is room', async (t) => {
    const directory = await smallDisk(t);
    const journal = await open(directory);
    await journal.add(entry(1));
    await fill(join(directory, 'ballast'));
    const long = { ...entry(2), incarnation: 'x'.repeat(5_000) };
    await assert.rejects(journal.add(long), (fault: JournalUnusable) => {
      assert.match(fault.message, /ENOSPC|no space/);
      return true;
    });
    assert.deepEqual(journal.pending(), [entry(1), long]);
    assert.match(journal.state().fault ?? '', /ENOSPC|no space/);
    await journal.close();
    const full = await open(directory); // a full disk keeps no agent from starting
    assert.deepEqual(full.pending(), [entry(1)]);
    await rm(join(directory, 'ballast'));
    await full.add(long);
    assert.equal(full.state().fault, undefined);
    await full.close();
    const after = await open(directory);
    assert.deepEqual(after.pending(), [entry(1), long]);
    await after.close();
  });

  it('does not open where it may not write', async (t) => {
    const directory = await smallDisk(t);
    execFileSync('mount', ['-o', 'remount,ro', directory]);
    await assert.rejects(open(directory), JournalUnusable);
  });
});

async function fill(file: string): Promise<void> {
  for (;;) {
    const fault = await appendFile(file, 'x'.repeat(1_024)).catch((caught: Error) => caught);
    if (fault) return;
  }
}
