import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CapacityReport, Figures } from '../../src/core/capacity-record.ts';
import { FailureLog } from '../../src/ledger/failure-log.ts';
import { heldApps } from '../../src/ledger/held.ts';
import { keys } from '../../src/ledger/keys.ts';
import { takeAddress } from '../../src/ledger/leases.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import { records } from '../../src/ledger/records.ts';
import { releaseAddress } from '../../src/ledger/release.ts';
import type { Store } from '../../src/ledger/store.ts';
import { VerdictLog } from '../../src/ledger/verdicts.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { makeReport } from '../../src/report/make.ts';
import { FORMS } from '../../src/report/render.ts';
import { HandClock, opened, patience } from '../ledger/opened.ts';
import { layCluster, reportSettings } from './ledger.ts';

/**
 * Pools of ten and five addresses on VLAN 7; two nodes, one in each rack, with 950 Mbit/s for containers.
 * All that follows is told in the order in which it is counted below.
 */
async function lived(store: Store, clock: HandClock): Promise<void> {
  await layCluster(store);
  const take = (node: string, app: string, mark: string, mbit?: number) =>
    takeAddress(
      store,
      {
        ...{ node, app, network: 'prod', incarnation: mark, mac: `02:00:00:00:00:0${mark}` },
        ...(mbit !== undefined && { netInKbit: mbit * 1_000, netOutKbit: mbit * 500 }),
      },
      { clock, signal: patience() },
    );
  await take('node-1', '/shop/web', '1', 100);
  await take('node-1', '/shop/web', '2', 100);
  await take('node-2', '/mail', '3'); // the network's default: 10 Mbit/s
  const ended = await take('node-2', '/mail', '4');
  const gone = { node: 'node-2', address: ended.address, incarnation: '4' };
  await releaseAddress(store, gone, { clock, signal: patience() });
  const desk = openDesk(store, { node: 'node-1', clock, log, begMs: 0 });
  await desk.stock('prod-a', 1, patience());
  const squatted = { pool: 'prod-b', address: '198.51.100.14' };
  await desk.quarantine(squatted, 'it answers', patience());
  await desk.close();
  await written(store, clock.ms);
}

/** Two instances are promised to node-2, which is fenced; an app waits; one of each answer was given. */
async function written(store: Store, nowMs: number): Promise<void> {
  const address = { network: 'prod', netInKbit: 20_000, netOutKbit: 5_000 };
  const demand = {
    ...{ cpus: 1, memMiB: 1, diskMiB: 0, gpus: 0, ports: { any: 0, fixed: [] } },
    addresses: [address],
  };
  const promise = records.reservation.encode({
    ...{ v: 1, id: 'x', target: 2, demand, constraints: [], growInKbit: 0, growOutKbit: 0 },
    ...{ witness: [['node-2', 2]], draws: [['prod-a', 2]], sequence: 1, fingerprint: '' },
    ...{ sinceMs: nowMs, deadlineMs: nowMs + 60_000, until: 'leases' },
  });
  const fence = records.fence.encode({
    ...{ v: 1, agentId: 'S2', state: 'closed', mode: 'on', by: 'deactivate', why: 'full' },
    figures: { addresses: 0, netInKbit: 0, netOutKbit: 0, cpus: 1, memMiB: 1 },
    ...{ sinceMs: 0, term: 1, flips: [], undone: [] },
  });
  const writes = [
    { put: keys.reservation('/shop/api'), value: promise },
    { put: keys.fence('node-2'), value: fence },
  ];
  await store.commit({ guards: [], writes }, patience());
  const held = { v: 1, wanted: 5, allowed: 2, why: 'no address', sinceMs: nowMs } as const;
  await heldApps.set(store, { app: '/mail/relay', record: held }, patience());
  const verdicts = new VerdictLog(store);
  for (const [n, [answer, app]] of (
    [
      ['refuse', '/shop/web'],
      ['reroute', '/shop/web'],
      ['hold', '/mail/relay'],
    ] as const
  ).entries())
    await verdicts.append(
      {
        ...{ v: 1, atMs: nowMs - 1_000, answer, change: 'POST /v2/apps', apps: [app], message: '' },
        ...{ revision: 1, sequence: 1, asks: [], nodes: [] },
      },
      `a${n}`,
      patience(),
    );
  const failures = new FailureLog(store);
  const failed = { node: 'node-1', network: 'prod', short: 'address', why: '' } as const;
  for (const app of ['/shop/web', '/shop/web', '/mail'])
    failures.add({ ...failed, app, atMs: nowMs - 1_000 });
  await failures.flush(patience());
}

const figuresOf = ({ rows }: CapacityReport, of: string): Figures | undefined =>
  rows.find(({ kind, name }) => `${kind} ${name}`.trim() === of)?.figures;

/** As people read it; 950 Mbit/s are a link of 1 Gbit/s less its headroom. */
const TEXT = `
Capacity report now-1, 2023-11-14T22:13:20.000Z, ledger revision REVISION
there is no report before it: no change is shown, and the period is all that is remembered
addresses: 3 leased, 2 promised, 8 free of 15 (1 of them spare); 1 cooling, 1 quarantined
nodes: 2, 1 fenced, and behind the fences 0 free addresses, 900 Mbit/s in and 930 Mbit/s out
launches: 1 refused, 1 rerouted, 1 held, 3 failed; 3 instances wait for room
waits for room: /mail/relay runs 2 of 5 since 2023-11-14T22:13:20.000Z
Pools
POOL    SIZE  LEASED  PROMISED  COOLING  QUARANTINED  FREE  OF IT SPARE  IN          OUT         NODES  FENCED
prod-a    10       3         2        1            0     4            1  250 Mbit/s  120 Mbit/s      2       1
prod-b     5       0         0        0            1     4            0  0           0               2       1
VLANs
VLAN  SIZE  LEASED  PROMISED  COOLING  QUARANTINED  FREE  OF IT SPARE  IN          OUT         NODES  FENCED  MACS
7       15       3         2        1            1     8            1  250 Mbit/s  120 Mbit/s      2       1  3 of 4 WARN
Racks
RACK  LEASED  PROMISED  SPARE  FREE IN REACH  IN                        OUT                       NODES  FENCED  FAILED
r1         2         0      1              8  200 Mbit/s of 950 Mbit/s  100 Mbit/s of 950 Mbit/s      1       0       3
r2         1         2      0              8  50 Mbit/s of 950 Mbit/s   20 Mbit/s of 950 Mbit/s       1       1       0
Nodes
NODE    LEASED  PROMISED  SPARE  FREE IN REACH  IN                        OUT                       FENCED  FAILED
node-1       2         0      1              8  200 Mbit/s of 950 Mbit/s  100 Mbit/s of 950 Mbit/s  -            3
node-2       1         2      0              8  50 Mbit/s of 950 Mbit/s   20 Mbit/s of 950 Mbit/s   fenced       0
App groups
GROUP  LEASED  PROMISED  IN          OUT         WAITING  REFUSED  REROUTED  HELD  FAILED
/           1         0  10 Mbit/s   10 Mbit/s         0        0         0     0       1
/mail       0         0  0           0                 3        0         0     1       0
/shop       2         2  240 Mbit/s  110 Mbit/s        0        1         1     0       2
`;

const linesOf = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .filter((line) => line !== '');

describe('a report worked out by hand', () => {
  it('has each figure of each row, in text, JSON and CSV, and what changed since', async (t) => {
    const store = await opened(t);
    const clock = new HandClock();
    await lived(store, clock);
    const settings = reportSettings({ macLimit: 4, macWarnPercent: 70 });
    const ask = { id: 'now-1', schedule: 'now', nowMs: clock.ms, settings };
    const report = await makeReport(store, ask, patience());
    assert.deepEqual(report.doubts, []);
    assert.deepEqual(figuresOf(report, 'total'), {
      ...{ size: 15, leased: 3, promised: 2, spare: 1, cooling: 1, quarantined: 1, free: 8 },
      // 100 + 100 + 10 leased, 2 x 20 promised, of 2 x 950
      ...{ capacityInKbit: 1_900_000, leasedInKbit: 210_000, promisedInKbit: 40_000 },
      // 50 + 50 + 10 leased, 2 x 5 promised, of 2 x 950
      ...{ capacityOutKbit: 1_900_000, leasedOutKbit: 110_000, promisedOutKbit: 10_000 },
      ...{ freeInKbit: 1_650_000, freeOutKbit: 1_780_000 },
      // node-2 is fenced: 950 - 10 - 40 in, 950 - 10 - 10 out; its pools are node-1's, too
      ...{ nodes: 2, fenced: 1, fencedFree: 0, fencedInKbit: 900_000, fencedOutKbit: 930_000 },
      ...{ waiting: 3, refused: 1, rerouted: 1, held: 1, failed: 3, macs: 3 },
    });
    const text = TEXT.replace('REVISION', String(report.revision));
    assert.deepEqual(linesOf(FORMS.text.render(report)), linesOf(text));

    const [head, total, , , vlan] = FORMS.csv.render(report).split('\r\n');
    const at = '2023-11-14T22:13:20.000Z';
    assert.match(head ?? '', /^report,at,kind,name,size,leased,promised,spare,cooling,/);
    assert.equal(
      total,
      `now-1,${at},total,,15,3,2,1,1,1,8,,1900000,210000,40000,1650000,1900000,110000,10000,1780000,2,1,0,900000,930000,3,1,1,1,3,3${','.repeat(13)}`,
    );
    assert.equal(
      vlan,
      `now-1,${at},vlan,7,15,3,2,1,1,1,8,,,210000,40000,,,110000,10000,,2,1,0,,,,,,,,3,4${','.repeat(12)}warn`,
    );
    const told = JSON.parse(FORMS.json.render(report)) as { rows: Record<string, unknown>[] };
    for (const [n, { kind, name, figures }] of report.rows.entries())
      assert.deepEqual({ ...told.rows[n] }, { ...told.rows[n], kind, name, ...figures });

    // another container starts on node-1, with the 10 Mbit/s of the network
    await takeAddress(
      store,
      {
        ...{ node: 'node-1', app: '/shop/web', network: 'prod', incarnation: '5' },
        mac: '02:00:00:00:00:05',
      },
      { clock, signal: patience() },
    );
    clock.ms += 1_000;
    const next = { ...ask, id: 'now-2', nowMs: clock.ms, before: report };
    const later = await makeReport(store, next, patience());
    const changeOf = (of: string) =>
      later.rows.find(({ kind, name }) => `${kind} ${name}`.trim() === of)?.change;
    const grown = { leased: 1, leasedInKbit: 10_000, leasedOutKbit: 10_000 };
    const less = { freeInKbit: -10_000, freeOutKbit: -10_000 };
    assert.deepEqual(changeOf('vlan 7'), { ...grown, free: -1, macs: 1 });
    assert.deepEqual(changeOf('rack r1'), { ...grown, ...less, reachable: -1 });
    assert.deepEqual(changeOf('node node-2'), { reachable: -1 }, 'the pools are shared');
    assert.equal(later.rows.find(({ kind }) => kind === 'vlan')?.level, 'warn');
  });
});
