import { createMesosClient } from '../../../src/cluster/mesos/client.ts';
import { takeInventory } from '../../../src/cluster/mesos/inventory.ts';
import { PLAIN_CONTEXT } from '../../../src/cluster/marathon/canonical-context.ts';
import type { JsonObject } from '../../../src/cluster/marathon/json.ts';
import { NODES_KEPT } from '../../../src/gate/verdict-of.ts';
import { prepare, type Prepared } from '../../../src/gate/judge.ts';
import { weigh, type WeighOptions } from '../../../src/gate/weigh.ts';
import type { TallyRecord } from '../../../src/core/lease-record.ts';
import type { Snapshot } from '../../../src/core/snapshot.ts';
import type { Store } from '../../../src/ledger/store.ts';
import { openView, type View } from '../../../src/ledger/view.ts';
import { systemClock } from '../../../src/plumbing/clock.ts';
import { silentLog } from '../../../src/plumbing/log.ts';
import { p50, p99 } from '../judged/figures.ts';
import { asks } from './asks.ts';

const WARM = 30;
const RUNS = 200;

const options: WeighOptions = {
  reroute: true,
  maxConstraintLength: 2_000,
  hold: 'label',
  demand: { rateNames: { in: 'net_in', out: 'net_out' }, secretPolicy: 'refuse' },
  mostNodes: NODES_KEPT,
};

export interface Times {
  readonly p50: number;
  readonly p99: number;
  readonly answer: string;
}

/** The view as a gate has it, with the facts of a Mesos, in this process. */
export async function openPicture(
  store: Store,
  mesosUrl: string,
  signal: AbortSignal,
): Promise<View> {
  const view = await openView(store, { clock: systemClock, log: silentLog }, signal);
  const client = createMesosClient({ masters: [mesosUrl], withinMs: 30_000 });
  const { facts } = await takeInventory(client, { roles: ['*'] }, signal);
  client.close();
  view.snapshot.replaceFacts(facts);
  return view;
}

/** The decision alone, by kind of ask: what the gate does between its reads and its commit. */
export async function weighed(view: View): Promise<ReadonlyMap<string, Times>> {
  const results = new Map<string, Times>();
  for (const [kind, app] of Object.entries(asks)) {
    const prepared = await preparedFor(app);
    const times: number[] = [];
    let answer = '';
    for (let run = 0; run < WARM + RUNS; run++) {
      const start = performance.now();
      answer = weigh(prepared, view, options).verdict?.answer ?? 'none';
      if (run >= WARM) times.push(performance.now() - start);
    }
    results.set(kind, { p50: p50(times), p99: p99(times), answer });
  }
  return results;
}

async function preparedFor(json: JsonObject): Promise<Prepared> {
  const query = { partial: true, patch: false, force: false };
  const route = { kind: 'updateApp', id: '/bench/web', ...query } as const;
  const deps = {
    read: () => Promise.resolve(undefined),
    context: () => Promise.resolve(PLAIN_CONTEXT),
  };
  const asked = { route: { ...route, canonicalTarget: '/v2/apps/bench/web' }, json };
  const prepared = await prepare(deps, asked, AbortSignal.timeout(5_000));
  if (!prepared) throw new Error('Marathon would refuse the app of the bench');
  return prepared;
}

/** One tally after another changes and the room is read again each time: microseconds for one. */
export function oneTally(snapshot: Snapshot): Omit<Times, 'answer'> {
  const names = snapshot.nodes().map(({ name }) => name);
  const times = names.map((name) => {
    const tally = snapshot.node(name)?.tally;
    const start = performance.now();
    snapshot.setTally(name, tally && bumped(tally));
    snapshot.room();
    return (performance.now() - start) * 1_000;
  });
  return { p50: p50(times), p99: p99(times) };
}

const bumped = (tally: TallyRecord): TallyRecord => ({ ...tally, netInKbit: tally.netInKbit + 1 });

/** Nodes and pools that are new objects after one tally changed, of all there are. */
export function replaced(snapshot: Snapshot): string {
  const before = snapshot.room();
  const [nodes, pools] = [new Map(before.nodes), new Map(before.pools)];
  const [name = ''] = nodes.keys();
  const tally = snapshot.node(name)?.tally;
  snapshot.setTally(name, tally && bumped(tally));
  const after = snapshot.room();
  const fresh = <V>(was: ReadonlyMap<string, V>, is: ReadonlyMap<string, V>): number =>
    [...is].filter(([key, value]) => was.get(key) !== value).length;
  return `${fresh(nodes, after.nodes)} of ${nodes.size} nodes, ${fresh(pools, after.pools)} of ${pools.size} pools`;
}
