import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { registerReport } from '../../src/cli/commands/report.ts';
import { newProgram, run } from '../../src/cli/run.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import type { VerdictRecord } from '../../src/core/verdict-record.ts';
import { FailureLog } from '../../src/ledger/failure-log.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { VerdictLog } from '../../src/ledger/verdicts.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { HandClock, opened, patience } from '../ledger/opened.ts';
import { layCluster } from '../report/ledger.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One command against a ledger that stays open. */
async function say(store: Store, clock: HandClock, ...argv: string[]): Promise<Said> {
  const [out, err]: [string[], string[]] = [[], []];
  const context = {
    settings: () => settingsSchema.validate({}).value,
    log: silentLog,
    openStore: () => Promise.resolve({ ...bound(store), close: () => Promise.resolve() }),
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
    clock,
    signal: patience(),
  };
  const program = newProgram('corral', context);
  registerReport(program, context);
  const code = await run(program, ['report', ...argv], context);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

const bound = (store: Store): Store => ({
  get: (key, signal) => store.get(key, signal),
  range: (query, signal) => store.range(query, signal),
  commit: (change, signal) => store.commit(change, signal),
  watch: (prefix, after, signal) => store.watch(prefix, after, signal),
  hold: (ttlMs, signal) => store.hold(ttlMs, signal),
  close: () => store.close(),
});

const verdict = (atMs: number, answer: VerdictRecord['answer']): VerdictRecord => ({
  ...{ v: 1, atMs, answer, change: 'POST /v2/apps', apps: ['/shop/web'], message: '' },
  ...{ revision: 1, sequence: 1, asks: [], nodes: [] },
});

const lease = (store: Store, address: string, mac: string): Promise<unknown> =>
  store.commit(
    {
      guards: [],
      writes: [
        {
          put: keys.lease('node-1', address),
          value: records.lease.encode({
            ...{ v: 1, pool: 'prod-a', network: 'prod', app: '/shop/web', mac, incarnation: 'i' },
            ...{ sinceMs: 0, counted: { netInKbit: 10_000, netOutKbit: 20_000, classMinor: 1 } },
          }),
        },
      ],
    },
    patience(),
  );

describe('corral report', () => {
  it('now needs no schedule and keeps nothing', async (t) => {
    const store = await opened(t);
    await layCluster(store);
    const clock = new HandClock();
    const { code, out } = await say(store, clock, 'now');
    assert.equal(code, 0);
    assert.match(out, /^addresses: 0 leased, 0 promised, 15 free of 15/m);
    assert.match(out, /^prod-a +10 +0 +0 +0 +0 +10 +0 +0 +0 +2 +0$/m);
    assert.match(out, /^7 +15 .* 0 of 32000$/m);
    assert.match(out, /^node-1 .* 0 of 950 Mbit\/s/m);
    assert.equal((await say(store, clock, 'list')).out, 'no reports');
  });

  it('now tells by how much things changed since the report before, and what happened since', async (t) => {
    const store = await opened(t);
    await layCluster(store);
    const clock = new HandClock();
    const log = new VerdictLog(store);
    await log.append(verdict(clock.ms - 5_000, 'refuse'), 'aa', patience());
    const first = JSON.parse((await say(store, clock, 'now', '--keep', '--json')).out);
    assert.equal(first.rows[0].refused, 1);
    clock.ms += 60_000;
    await log.append(verdict(clock.ms - 5_000, 'refuse'), 'ab', patience());
    await log.append(verdict(clock.ms - 5_000, 'reroute'), 'ac', patience());
    const failures = new FailureLog(store);
    const failure = {
      node: 'node-1',
      network: 'prod',
      short: 'address',
      why: '',
      app: '/shop/web',
    } as const;
    for (let n = 0; n < 3; n += 1) failures.add({ ...failure, atMs: clock.ms - 1_000 });
    await failures.flush(patience());
    await lease(store, '192.0.2.10', '02:00:00:00:00:01');
    await lease(store, '192.0.2.11', '02:00:00:00:00:02');
    const { out } = await say(store, clock, 'now', '--json');
    const second = JSON.parse(out);
    assert.equal(second.before, first.id);
    const [total] = second.rows;
    assert.deepEqual([total.refused, total.rerouted, total.failed, total.macs], [1, 1, 3, 2]);
    assert.deepEqual(total.change, { macs: 2 });
    const group = second.rows.find((row: { kind: string }) => row.kind === 'group');
    assert.deepEqual(
      [group.name, group.leased, group.leasedInKbit, group.leasedOutKbit, group.failed],
      ['/shop', 2, 20_000, 40_000, 3],
    );
    assert.match(second.doubts.join('\n'), /pool "prod-a" counts 0 leases and has 2/);
    assert.match(second.doubts.join('\n'), /node "node-1" counts 0 leases and has 2/);
  });

  it('now tells which nodes are fenced, and not which would be', async (t) => {
    const store = await opened(t);
    await layCluster(store);
    const fence = (mode: 'on' | 'watch', state: 'closed' | 'yielded'): string =>
      records.fence.encode({
        ...{ v: 1, agentId: 'S1', state, mode, by: 'deactivate', why: 'full', sinceMs: 0, term: 1 },
        figures: { addresses: 0, netInKbit: 0, netOutKbit: 0, cpus: 1, memMiB: 1 },
        ...{ flips: [], undone: [] },
      });
    const put = (node: string, value: string) =>
      store.commit({ guards: [], writes: [{ put: keys.fence(node), value }] }, patience());
    await put('node-1', fence('on', 'closed'));
    await put('node-2', fence('watch', 'closed'));
    const rows = async () =>
      JSON.parse((await say(store, new HandClock(), 'now', '--json')).out).rows as {
        kind: string;
        name: string;
        fenced?: number;
      }[];
    const fenced = async () =>
      (await rows())
        .filter(({ fenced: count = 0 }) => count > 0)
        .map(({ kind, name, fenced: count }) => `${kind} ${name} ${String(count)}`);
    assert.deepEqual(await fenced(), [
      ...['total  1', 'pool prod-a 1', 'pool prod-b 1', 'vlan 7 1', 'rack r1 1', 'node node-1 1'],
    ]);
    await put('node-1', fence('on', 'yielded'));
    assert.deepEqual(await fenced(), []);
  });

  it('list and show tell what is kept, in every form', async (t) => {
    const store = await opened(t);
    await layCluster(store);
    const clock = new HandClock();
    const { id } = JSON.parse((await say(store, clock, 'now', '--keep', '--json')).out);
    assert.match((await say(store, clock, 'list')).out, new RegExp(`^${id} .* 15 `, 'm'));
    assert.match((await say(store, clock, 'list', '--csv')).out, /^id,time,.*\r\n/);
    assert.equal(JSON.parse((await say(store, clock, 'list', '--json')).out)[0].figures.size, 15);
    assert.equal((await say(store, clock, 'list', '--schedule', 'daily')).out, 'no reports');
    assert.match((await say(store, clock, 'show', id)).out, /^Capacity report now-/);
    assert.match((await say(store, clock, 'show', id, '--csv')).out, /^report,at,kind,name,size/);
    assert.equal(JSON.parse((await say(store, clock, 'show', id, '--json')).out).id, id);
  });

  it('show says what is not there', async (t) => {
    const store = await opened(t);
    const said = await say(store, new HandClock(), 'show', 'daily-2o4m5k0x1');
    assert.equal(said.code, 1);
    assert.match(
      said.err,
      /there is no report "daily-2o4m5k0x1"\n +way out: list what is remembered/,
    );
  });
});
