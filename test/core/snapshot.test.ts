import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { NodeFacts } from '../../src/core/facts.ts';
import type { BlockRecord, TallyRecord } from '../../src/core/lease-record.ts';
import type { NetworkRecord, NodeRecord, PoolRecord } from '../../src/core/topology-record.ts';
import type { ReservationRecord } from '../../src/core/promise-record.ts';
import { Snapshot } from '../../src/core/snapshot.ts';
import { emptyState, heldBy, heldOn, owed, promise, rebuilt, type State } from './snapshot-twin.ts';
import { runs } from '../runs.ts';

const NODES = ['node-1', 'node-2', 'node-3', 'constructor'];
const POOLS = ['prod-a', 'prod-b', 'lab'];
const NETWORKS = ['prod', 'lab'];
const APPS = ['/shop/web', '/shop/db', '/mail'];

const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 6 });
const upTo = (max: number) => fc.integer({ min: 0, max });

const counts = (names: readonly string[], max: number) =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...names), fc.integer({ min: 1, max })), {
      selector: ([name]) => name,
      maxLength: names.length,
    })
    .map((pairs) => pairs);

const network: fc.Arbitrary<readonly [string, NetworkRecord]> = fc
  .constantFrom(
    ['prod', ['prod-a', 'prod-b']] as const,
    ['prod', ['prod-b', 'prod-a', 'gone']] as const,
    ['prod', ['prod-a']] as const,
    ['lab', ['lab']] as const,
  )
  .map(([name, pools]) => [
    name,
    { v: 1, pools, attachment: 'bridge', defaultInKbit: 0, defaultOutKbit: 0 },
  ]);

const pool: fc.Arbitrary<PoolRecord> = fc
  .record({
    from: fc.integer({ min: 1, max: 8 }),
    size: fc.integer({ min: 1, max: 12 }),
    exclude: fc.subarray(['192.0.2.5', '192.0.2.9', '192.0.2.200']),
    nodes: fc.constantFrom(
      {},
      { names: ['node-1', 'node-2'] },
      { attributes: { rack: 'a' } },
      { names: ['constructor'], attributes: { rack: 'b', row: '1' } },
    ),
  })
  .map(({ from, size, exclude, nodes }) => ({
    v: 1,
    cidr: '192.0.2.0/24',
    ranges: [{ from: `192.0.2.${from}`, to: `192.0.2.${from + size - 1}` }],
    exclude,
    nodes,
  }));

const mask = fc
  .integer({ min: 0, max: 0xffff })
  .map((bits) => bits.toString(16).padStart(4, '0').padEnd(64, '0'));
const offsets = <T>(value: fc.Arbitrary<T>) =>
  fc.dictionary(upTo(20).map(String), value, { maxKeys: 3 });
const masks = fc.dictionary(fc.constantFrom(...NODES), mask, { maxKeys: 3 });
const block: fc.Arbitrary<BlockRecord> = fc.record(
  {
    v: fc.constant(1 as const),
    held: masks,
    spare: masks,
    cursor: upTo(255),
    cooling: offsets(fc.constantFrom(40, 80)),
    quarantined: offsets(fc.constant('squatter')),
  },
  { requiredKeys: ['v', 'held', 'cursor', 'cooling', 'quarantined'] },
);

const attributes = fc.constantFrom<Record<string, string>>(
  {},
  { rack: 'a' },
  { rack: 'b' },
  { row: '1' },
);
const node: fc.Arbitrary<NodeRecord> = fc.record({
  v: fc.constant(1 as const),
  linkInKbit: upTo(10_000),
  linkOutKbit: upTo(10_000),
  overcommit: fc.constantFrom(1, 1.5, 2),
  headroom: fc.constantFrom(0.29, 0.9, 1),
  attributes,
});
const facts: fc.Arbitrary<NodeFacts> = fc
  .record({
    attributes,
    zone: some(fc.constant('z1')),
    offered: fc.boolean(),
    cpus: upTo(80).map((tenths) => tenths / 10),
    memMiB: upTo(4000),
    diskMiB: upTo(4000),
    gpus: upTo(2),
    ports: fc.constantFrom<NodeFacts['ports']>(
      [],
      [[31000, 31003]],
      [
        [31000, 31001],
        [31005, 31009],
      ],
    ),
  })
  .map(({ zone, ...rest }) => ({ ...rest, ...(zone !== undefined && { zone }) }));

const tally: fc.Arbitrary<TallyRecord> = fc.record({
  v: fc.constant(1 as const),
  netInKbit: upTo(3000),
  netOutKbit: upTo(3000),
  pools: fc.constant({}),
  apps: fc.dictionary(
    fc.constantFrom(...APPS),
    fc.dictionary(fc.constantFrom(...NETWORKS), fc.integer({ min: 1, max: 3 }), { minKeys: 1 }),
  ),
});

const reservation: fc.Arbitrary<ReservationRecord> = fc
  .record({
    id: fc.constantFrom('op-1', 'op-2'),
    target: upTo(6),
    networks: fc.subarray(NETWORKS),
    kbit: upTo(500),
    cpus: fc.constantFrom(0, 0.1, 0.3, 1),
    any: upTo(2),
    fixed: fc.subarray([31000, 31006]),
    witness: counts(NODES, 3),
    draws: counts([...POOLS, 'gone'], 4),
    grow: fc.constantFrom(0, 70, 100),
  })
  .map(({ id, target, networks, kbit, cpus, any, fixed, witness, draws, grow }) => ({
    v: 1,
    id,
    target,
    demand: {
      cpus,
      memMiB: 32,
      diskMiB: 0,
      gpus: 0,
      ports: { any, fixed },
      addresses: networks.map((name) => ({ network: name, netInKbit: kbit, netOutKbit: kbit * 2 })),
    },
    constraints: [],
    witness,
    draws,
    sequence: 1,
    sinceMs: 0,
    deadlineMs: 1,
    fingerprint: '',
    until: 'leases',
    growInKbit: grow,
    growOutKbit: 0,
  }));

/** One change: to the snapshot, and to the plain state beside it. */
interface Step {
  readonly set: string;
  readonly to: unknown;
  readonly apply: (snapshot: Snapshot, state: State) => void;
}

const step = <T>(
  set: string,
  values: fc.Arbitrary<T>,
  apply: (to: T, snapshot: Snapshot, state: State) => void,
): fc.Arbitrary<Step> =>
  values.map((to) => ({ set, to, apply: (snapshot, state) => apply(to, snapshot, state) }));

const put = <V>(map: Map<string, V>, name: string, value: V | undefined): void => {
  if (value === undefined) map.delete(name);
  else map.set(name, value);
};

const aNode = fc.constantFrom(...NODES);
const anApp = fc.constantFrom(...APPS);
const aPool = fc.constantFrom(...POOLS);
const aNetwork = fc.oneof(
  network,
  fc.constantFrom(...NETWORKS).map((name) => [name, undefined] as const),
);

const changes = fc.oneof(
  step('network', aNetwork, ([name, record], snapshot, state) => {
    snapshot.setNetwork(name, record);
    put(state.networks, name, record);
  }),
  step('pool', fc.tuple(aPool, some(pool)), ([name, record], snapshot, state) => {
    snapshot.setPool(name, record);
    put(state.pools, name, record);
  }),
  step('block', fc.tuple(aPool, upTo(1), some(block)), ([name, n, record], snapshot, state) => {
    snapshot.setBlock(name, BigInt(n), record);
    const blocks = new Map(state.blocks.get(name));
    if (record) blocks.set(n, record);
    else blocks.delete(n);
    state.blocks.set(name, blocks);
  }),
  step('node', fc.tuple(aNode, some(node)), ([name, record], snapshot, state) => {
    snapshot.setNode(name, record);
    put(state.nodes, name, record);
  }),
  step('facts', fc.tuple(aNode, some(facts)), ([name, one], snapshot, state) => {
    snapshot.setFacts(name, one);
    put(state.facts, name, one);
  }),
  step('all facts', fc.array(fc.tuple(aNode, facts)), (all, snapshot, state) => {
    snapshot.replaceFacts(new Map(all));
    state.facts = new Map(all);
  }),
  step('tally', fc.tuple(aNode, some(tally)), ([name, record], snapshot, state) => {
    snapshot.setTally(name, record);
    put(state.tallies, name, record);
  }),
  step('promise', fc.tuple(anApp, some(reservation)), ([app, record], snapshot, state) => {
    snapshot.setReservation(app, record);
    if (record) promise(state, app, record);
    else state.promises.delete(app);
  }),
  step(
    'proof',
    fc.tuple(anApp, counts(NODES, 3), counts(POOLS, 3)),
    ([app, nodes, pools], snapshot, state) => {
      const witness = { nodes: new Map(nodes), pools: new Map(pools) };
      snapshot.replan(app, witness);
      const known = state.promises.get(app);
      if (known) promise(state, app, known.record, witness);
    },
  ),
  step('time', fc.constantFrom(10, 40, 60, 80, 90), (nowMs, snapshot, state) => {
    snapshot.setNow(nowMs);
    state.nowMs = nowMs;
  }),
);

const sorted = <V>(map: ReadonlyMap<string, V>) =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => ({ ...value, name }));

function assertTwins(snapshot: Snapshot, state: State): void {
  const whole = rebuilt(state);
  assert.deepEqual(sorted(snapshot.room().pools), sorted(whole.pools));
  assert.deepEqual(sorted(snapshot.room().nodes), sorted(whole.nodes));
  assert.deepEqual(snapshot.stale(), whole.stale);
  for (const app of APPS) {
    assert.equal(snapshot.heldBy(app), heldBy(state, app));
    assert.deepEqual(new Map(snapshot.heldOn(app)), heldOn(state, app));
    assert.equal(snapshot.owed(app), owed(state, app));
    assertCountedOff(snapshot, state, app);
  }
  snapshot.roomWithout(['/shop/db']); // leaves nothing behind in the next
  const without = rebuilt(state, ['/shop/web', '/mail']);
  const past = snapshot.roomWithout(['/mail', '/nobody', '/shop/web']);
  assert.deepEqual(sorted(past.pools), sorted(without.pools));
  assert.deepEqual(sorted(past.nodes), sorted(without.nodes));
}

/** Owed addresses are counted off somewhere whenever the network has a pool at all. */
function assertCountedOff(snapshot: Snapshot, state: State, app: string): void {
  const places = snapshot.placesOf(app);
  for (const { network } of state.promises.get(app)?.record.demand.addresses ?? []) {
    const pools = (state.networks.get(network)?.pools ?? []).filter((p) => state.pools.has(p));
    const off = pools.reduce((sum, name) => sum + (places.pools.get(name) ?? 0), 0);
    if (pools.length > 0) assert.ok(off >= owed(state, app), `${app}: ${off} counted off`);
  }
}

/** A cluster to start from, so that most changes change something. */
const start = fc.tuple(
  fc.array(pool, { minLength: 3, maxLength: 3 }),
  fc.array(node, { minLength: 4, maxLength: 4 }),
  fc.array(facts, { minLength: 4, maxLength: 4 }),
);
const network0: NetworkRecord = {
  v: 1,
  pools: ['prod-a', 'prod-b'],
  attachment: 'bridge',
  defaultInKbit: 0,
  defaultOutKbit: 0,
};

const startWith = ([pools, nodes, known]: readonly [
  PoolRecord[],
  NodeRecord[],
  NodeFacts[],
]): State => ({
  ...emptyState(),
  networks: new Map([
    ['prod', network0],
    ['lab', { ...network0, pools: ['lab'] }],
  ]),
  pools: new Map(POOLS.map((name, at) => [name, pools[at]!])),
  nodes: new Map(NODES.map((name, at) => [name, nodes[at]!])),
  facts: new Map(NODES.map((name, at) => [name, known[at]!])),
});

function snapshotOf(state: State): Snapshot {
  const snapshot = new Snapshot();
  for (const [name, record] of state.networks) snapshot.setNetwork(name, record);
  for (const [name, record] of state.pools) snapshot.setPool(name, record);
  for (const [name, record] of state.nodes) snapshot.setNode(name, record);
  snapshot.replaceFacts(state.facts);
  return snapshot;
}

describe('Snapshot, changed piece by piece', () => {
  it('agrees with a picture made from scratch, whatever changed in whatever order', () => {
    fc.assert(
      fc.property(
        start,
        fc.array(changes, { minLength: 1, maxLength: 40 }),
        upTo(3),
        (from, steps, every) => {
          const state = startWith(from);
          const snapshot = snapshotOf(state);
          steps.forEach(({ apply }, at) => {
            apply(snapshot, state);
            if (at % (every + 1) === 0) assertTwins(snapshot, state);
          });
          assertTwins(snapshot, state);
        },
      ),
      { numRuns: runs(300), includeErrorInReport: true },
    );
  });
});
