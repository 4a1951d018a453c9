import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { registerLedger } from '../../src/cli/commands/ledger.ts';
import { registerPool } from '../../src/cli/commands/pool.ts';
import type { CliDeps } from '../../src/cli/deps.ts';
import { newProgram, run } from '../../src/cli/run.ts';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { keys } from '../../src/ledger/keys.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { ask, DeskBench, SMALL } from '../ledger/desk-bench.ts';
import { patience } from '../ledger/opened.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A ledger with a lease, a spare and three addresses more, and a shell before it. */
async function shell(t: TestContext): Promise<{
  say: (...words: string[]) => Promise<Said>;
  change: (act: (store: Store) => Promise<unknown>) => Promise<void>;
}> {
  const directory = await mkdtemp(join(tmpdir(), 'corral-cli-'));
  t.after(() => rm(directory, { recursive: true }));
  const open = (): Promise<Store> =>
    openEmbeddedStore({ directory, clock: systemClock, log: silentLog });
  const change = async (act: (store: Store) => Promise<unknown>): Promise<void> => {
    const store = await open();
    await act(store);
    await store.close();
  };
  await change(async (store) => {
    const bench = await DeskBench.of(t, store, { p: SMALL });
    const desk = bench.desk('node-1', { clock: systemClock });
    await desk.take(ask('i1'), patience());
    await desk.stock('p', 1, patience());
    await bench.sound();
  });
  const say = async (...words: string[]): Promise<Said> => {
    const [out, err]: [string[], string[]] = [[], []];
    const deps: CliDeps = {
      ...{ openStore: open, clock: systemClock, signal: patience() },
      ...{ out: (text) => out.push(text), err: (text) => err.push(text) },
    };
    const program = newProgram('corral', deps);
    registerPool(program, deps);
    registerLedger(program, deps);
    const code = await run(program, words, deps);
    return { code, out: out.join('\n'), err: err.join('\n') };
  };
  return { say, change };
}

describe('corral ledger check', () => {
  it('says that a ledger is sound, and ends with 0', async (t) => {
    const { say } = await shell(t);
    const said = await say('ledger', 'check');
    assert.deepEqual([said.code, said.err], [0, '']);
    assert.match(said.out, /^the ledger is sound: 1 leases at revision \d+$/);
    const { out } = await say('ledger', 'check', '--json');
    assert.deepEqual((JSON.parse(out) as { findings: unknown }).findings, []);
  });

  it('lists what is wrong, and ends with 1', async (t) => {
    const { say, change } = await shell(t);
    await change((store) =>
      store.commit({ guards: [], writes: [{ drop: keys.tally('node-1') }] }, patience()),
    );
    const said = await say('ledger', 'check');
    assert.equal(said.code, 1);
    assert.match(said.out, /KEY +FINDING\n.*tallies\/node-1 +it says .* sum to/s);
    assert.match(said.out, /198\.51\.100\.3 is held by "node-1" without a lease/);
    assert.match(said.err, /the ledger has 2 findings/);
    const asJson = await say('ledger', 'check', '--json');
    assert.equal(asJson.code, 1);
    const { findings } = JSON.parse(asJson.out) as { findings: { key: string }[] };
    assert.deepEqual(
      findings.map(({ key }) => key),
      [keys.block('p', 0), keys.tally('node-1')],
    );
  });
});

describe('corral pool', () => {
  it('shows what is in stock, cooling and withheld', async (t) => {
    const { say } = await shell(t);
    await say('pool', 'quarantine', 'add', 'p', '198.51.100.6', '--why', 'printer');
    const { out } = await say('pool', 'show', 'p', '--json');
    const { size, held, cooling, quarantined, spare, free } = JSON.parse(out) as Record<
      string,
      number
    >;
    assert.deepEqual([size, held, cooling, quarantined, spare, free], [5, 1, 0, 1, 1, 3]);
    assert.match((await say('pool', 'list')).out, /QUARANTINED +SPARE +FREE/);
  });

  it('withholds single addresses and gives them back', async (t) => {
    const { say } = await shell(t);
    assert.equal((await say('pool', 'quarantine', 'list')).out, 'nothing is withheld');
    for (const address of ['198.51.100.2', '198.51.100.6']) {
      const said = await say('pool', 'quarantine', 'add', 'p', address, '--why', 'a printer');
      assert.deepEqual(said, { code: 0, out: `${address} of pool p is withheld`, err: '' });
    }
    const { out } = await say('pool', 'quarantine', 'list', '--pool', 'p');
    assert.match(out, /p +198\.51\.100\.2 +node-1 +a printer\np +198\.51\.100\.6 +- +a printer/);
    assert.equal((await say('ledger', 'check')).code, 0);
    await say('pool', 'quarantine', 'remove', 'p', '198.51.100.2');
    const left = JSON.parse((await say('pool', 'quarantine', 'list', '--json')).out) as unknown;
    assert.deepEqual(left, [{ pool: 'p', address: '198.51.100.6', why: 'a printer' }]);
  });

  it('withholds a range, but not for a new reason, and gives back what was withheld for one', async (t) => {
    const { say } = await shell(t);
    await say('pool', 'quarantine', 'add', 'p', '198.51.100.5', '--why', 'a printer');
    const range = '198.51.100.4-198.51.100.200';
    const added = await say('pool', 'quarantine', 'add', 'p', range, '--why', 'narrowing');
    assert.match(added.out, /is withheld: 2 addresses more than before/);
    assert.match((await say('pool', 'quarantine', 'list')).out, /198\.51\.100\.5 .*a printer/);
    const removed = await say('pool', 'quarantine', 'remove', 'p', range, '--why', 'narrowing');
    assert.match(removed.out, /^2 addresses of /);
    const left = JSON.parse((await say('pool', 'quarantine', 'list', '--json')).out) as unknown;
    assert.deepEqual(left, [{ pool: 'p', address: '198.51.100.5', why: 'a printer' }]);
    const none = await say('pool', 'quarantine', 'add', 'p', '192.0.2.1-192.0.2.9', '--why', 'x');
    assert.match(none.err, /192\.0\.2\.1-192\.0\.2\.9 is in no range of pool "p"/);
    assert.equal((await say('ledger', 'check')).code, 0);
  });

  it('refuses to withhold what it does not have', async (t) => {
    const { say } = await shell(t);
    const said = await say('pool', 'quarantine', 'add', 'p', '192.0.2.1', '--why', 'x');
    assert.equal(said.code, 1);
    assert.match(said.err, /192\.0\.2\.1 is in no range of pool "p"/);
    const list = await say('pool', 'quarantine', 'list', '--pool', 'none');
    assert.match(list.err, /pool "none" is not in the ledger/);
  });
});
