import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { capacityRows } from '../../src/core/capacity.ts';
import type { CapacityFacts, CapacityOptions } from '../../src/core/capacity-facts.ts';
import { NO_COUNTS } from '../../src/core/capacity-period.ts';
import type { CapacityRow, Figure, RowKind } from '../../src/core/capacity-record.ts';
import { groupOf, LeaseSums, stockByNode } from '../../src/core/capacity-sums.ts';
import { EMPTY_BLOCK, type WholeBlock } from '../../src/core/block.ts';
import { NO_BITS, withBit } from '../../src/core/mask.ts';
import type { LeaseRecord, TallyRecord } from '../../src/core/lease-record.ts';
import { Snapshot } from '../../src/core/snapshot.ts';
import { runs } from '../runs.ts';

/** A random cluster as leases, stock and promises; all else is written from these, or counted from them. */
interface Lease {
  readonly pool: string;
  readonly offset: number;
  readonly node: string;
  readonly app: string | undefined;
  readonly mac: string | undefined;
  readonly inKbit: number;
  readonly outKbit: number;
}
interface World {
  readonly leases: readonly Lease[];
  readonly spares: readonly { pool: string; offset: number; node: string }[];
  readonly quarantined: readonly { pool: string; offset: number }[];
  readonly cooling: readonly { pool: string; offset: number; untilMs: number }[];
  readonly promised: readonly { app: string; node: string; pool: string; count: number }[];
  readonly fenced: readonly string[];
}

const POOLS = ['p1', 'p2', 'p3'];
const VLANS: Readonly<Record<string, number | undefined>> = { p1: 7, p2: 7, p3: undefined };
const NETWORKS = { prod: ['p1', 'p2'], back: ['p3'] };
const networkOf = (pool: string): string => (pool === 'p3' ? 'back' : 'prod');
const NODES = ['n1', 'n2', 'n3', 'n4'];
const RACKS: Readonly<Record<string, string>> = { n1: 'r1', n2: 'r1', n3: 'r2' };
const APPS = ['/shop/web', '/shop/db/main', '/mail', '/ops/x'];
const NOW = 1_000_000;
const SIZE = 20;

const pool = fc.constantFrom(...POOLS);
const node = fc.constantFrom(...NODES);
const rate = fc.constantFrom(0, 1_000, 2_500);
const offset = fc.nat(SIZE - 1);
const spot = { pool, offset };
const lease = fc.record({
  ...spot,
  node,
  app: fc.constantFrom(...APPS, undefined),
  mac: fc.constantFrom(undefined, '02:00:00:00:00:01', '02:00:00:00:00:AA', '02:00:00:00:00:aa'),
  inKbit: rate,
  outKbit: rate,
});
const places = (one: { pool: string; offset: number }) => `${one.pool} ${one.offset}`;

const worlds: fc.Arbitrary<World> = fc
  .record({
    leases: fc.uniqueArray(lease, { maxLength: 12, selector: places }),
    spares: fc.uniqueArray(fc.record({ ...spot, node }), { maxLength: 6, selector: places }),
    quarantined: fc.uniqueArray(fc.record(spot), { maxLength: 4, selector: places }),
    cooling: fc.uniqueArray(
      fc.record({ ...spot, untilMs: fc.constantFrom(NOW - 1, NOW, NOW + 1) }),
      { maxLength: 4, selector: places },
    ),
    promised: fc.uniqueArray(
      fc.record({
        app: fc.constantFrom('/new/a', '/new/b', '/c'),
        node,
        pool,
        count: fc.integer({ min: 1, max: 3 }),
      }),
      { maxLength: 2, selector: ({ app }) => app },
    ),
    fenced: fc.subarray(NODES),
  })
  .map((world) => ({
    ...world,
    // an address is in one state, except that withheld ones may be in stock still
    spares: world.spares.filter((one) => !world.leases.some((l) => places(l) === places(one))),
  }));

function factsOf(world: World): CapacityFacts {
  const picture = new Snapshot();
  for (const [name, pools] of Object.entries(NETWORKS))
    picture.setNetwork(name, {
      ...{ v: 1, pools, attachment: name === 'back' ? 'routed' : 'bridge' },
      ...{ defaultInKbit: 0, defaultOutKbit: 0 },
    });
  for (const [at, name] of POOLS.entries())
    picture.setPool(name, {
      v: 1,
      cidr: `192.0.${at}.0/24`,
      ranges: [{ from: `192.0.${at}.0`, to: `192.0.${at}.${SIZE - 1}` }],
      exclude: [],
      nodes: {},
      ...(VLANS[name] !== undefined && { vlan: VLANS[name] }),
    });
  for (const name of NODES) {
    const rack = RACKS[name];
    picture.setNode(name, {
      ...{ v: 1, linkInKbit: 100_000, linkOutKbit: 50_000, overcommit: 1, headroom: 1 },
      attributes: rack === undefined ? {} : { rack },
    });
  }
  for (const name of POOLS) picture.setBlock(name, 0n, blockOf(world, name));
  for (const name of NODES) picture.setTally(name, tallyOf(world, name));
  for (const { app, node: on, pool: from, count } of world.promised)
    picture.setReservation(app, {
      ...{ v: 1, id: app, target: count, constraints: [], sequence: 1, sinceMs: 0, deadlineMs: 1 },
      demand: {
        ...{ cpus: 0, memMiB: 0, diskMiB: 0, gpus: 0, ports: { any: 0, fixed: [] } },
        addresses: [{ network: networkOf(from), netInKbit: 1_000, netOutKbit: 500 }],
      },
      witness: [[on, count]],
      draws: [[from, count]],
      ...{ fingerprint: '', until: 'leases', growInKbit: 0, growOutKbit: 0 },
    });
  picture.setNow(NOW);
  const stock = new Map<string, number>();
  for (const name of POOLS)
    for (const [on, count] of stockByNode(blockOf(world, name)))
      stock.set(on, (stock.get(on) ?? 0) + count);
  const leases = new LeaseSums(picture.networks());
  for (const one of world.leases) leases.add(one.node, places(one), leaseOf(one));
  const period = { total: NO_COUNTS, groups: new Map(), nodes: new Map() };
  return { picture, leases, stock, fenced: new Set(world.fenced), held: new Map(), period };
}

const leaseOf = ({ pool: from, app, mac, inKbit, outKbit }: Lease): LeaseRecord => ({
  ...{ v: 1, pool: from, network: networkOf(from), incarnation: 'i', sinceMs: 0 },
  counted: { netInKbit: inKbit, netOutKbit: outKbit, classMinor: 1 },
  ...(app !== undefined && { app }),
  ...(mac !== undefined && { mac }),
});

function blockOf(world: World, name: string): WholeBlock {
  const masks = (all: readonly { pool: string; offset: number; node: string }[]) => {
    const by: Record<string, string> = {};
    for (const one of all.filter((each) => each.pool === name))
      by[one.node] = withBit(by[one.node] ?? NO_BITS, one.offset);
    return by;
  };
  const own = <T extends { pool: string }>(all: readonly T[]) =>
    all.filter((one) => one.pool === name);
  return {
    ...EMPTY_BLOCK,
    held: masks(world.leases),
    spare: masks(world.spares),
    quarantined: Object.fromEntries(own(world.quarantined).map((one) => [one.offset, 'why'])),
    cooling: Object.fromEntries(own(world.cooling).map((one) => [one.offset, one.untilMs])),
  };
}

function tallyOf(world: World, name: string): TallyRecord {
  const pools: Record<string, number> = {};
  const apps: Record<string, Record<string, number>> = {};
  let [netInKbit, netOutKbit] = [0, 0];
  for (const one of world.leases.filter((each) => each.node === name)) {
    pools[one.pool] = (pools[one.pool] ?? 0) + 1;
    netInKbit += one.inKbit;
    netOutKbit += one.outKbit;
    if (one.app === undefined) continue;
    const counts = (apps[one.app] ??= {});
    counts[networkOf(one.pool)] = (counts[networkOf(one.pool)] ?? 0) + 1;
  }
  return { v: 1, netInKbit, netOutKbit, pools, apps };
}

const OPTIONS: CapacityOptions = {
  rackAttribute: 'rack',
  macLimitOf: (vlan) => (vlan === 7 ? 4 : undefined),
  macWarnPercent: 50,
};

/** The same figures, counted one lease at a time. */
function countedFrom(world: World): Map<string, Partial<Record<Figure, number>>> {
  const rows = new Map<string, Partial<Record<Figure, number>>>();
  const add = (kind: RowKind, name: string, figure: Figure, by: number) => {
    const key = `${kind} ${name}`;
    const row = rows.get(key) ?? {};
    row[figure] = (row[figure] ?? 0) + by;
    rows.set(key, row);
  };
  for (const one of world.leases)
    for (const [kind, name] of [
      ['total', ''],
      ['pool', one.pool],
      ['vlan', String(VLANS[one.pool] ?? '(none)')],
      ['rack', RACKS[one.node] ?? '(none)'],
      ['node', one.node],
      ['group', groupOf(one.app)],
    ] as const) {
      add(kind, name, 'leased', 1);
      add(kind, name, 'leasedInKbit', one.inKbit);
      add(kind, name, 'leasedOutKbit', one.outKbit);
    }
  for (const [vlan, pools] of [
    ['7', ['p1', 'p2']],
    ['(none)', ['p3']],
  ] as const) {
    const seen = world.leases
      .filter((one) => pools.some((name) => name === one.pool))
      .map((one) => (one.pool === 'p3' ? one.node : (one.mac?.toLowerCase() ?? places(one))));
    add('vlan', vlan, 'macs', new Set(seen).size);
  }
  return rows;
}

const of = (rows: readonly CapacityRow[], kind: RowKind): CapacityRow[] =>
  rows.filter((row) => row.kind === kind);
const sum = (rows: readonly CapacityRow[], figure: Figure): number =>
  rows.reduce((all, { figures }) => all + (figures[figure] ?? 0), 0);

describe('a capacity report', () => {
  it('counts what a count of the leases one by one counts', () =>
    fc.assert(
      fc.property(worlds, (world) => {
        const rows = capacityRows(factsOf(world), OPTIONS);
        const counted = countedFrom(world);
        for (const [key, figures] of counted) {
          const row = rows.find(({ kind, name }) => `${kind} ${name}` === key);
          assert.ok(row, key);
          for (const [figure, count] of Object.entries(figures))
            assert.equal(row.figures[figure as Figure] ?? 0, count, `${key} ${figure}`);
        }
        for (const row of rows)
          if (!counted.has(`${row.kind} ${row.name}`)) assert.equal(row.figures.leased ?? 0, 0);
      }),
      { numRuns: runs(300) },
    ));

  it('sums to the same whichever way it is cut', () =>
    fc.assert(
      fc.property(worlds, (world) => {
        const rows = capacityRows(factsOf(world), OPTIONS);
        const [total] = of(rows, 'total');
        for (const figure of ['leased', 'leasedInKbit', 'leasedOutKbit'] as const)
          for (const kind of ['pool', 'vlan', 'rack', 'node', 'group'] as const)
            assert.equal(sum(of(rows, kind), figure), total?.figures[figure], `${kind} ${figure}`);
        for (const figure of ['promised', 'promisedInKbit', 'promisedOutKbit'] as const)
          for (const kind of ['rack', 'node'] as const)
            assert.equal(sum(of(rows, kind), figure), sum(of(rows, 'group'), figure), figure);
        for (const kind of ['pool', 'vlan'] as const) {
          for (const figure of ['size', 'promised', 'cooling', 'quarantined', 'free'] as const)
            assert.equal(sum(of(rows, kind), figure), total?.figures[figure], `${kind} ${figure}`);
        }
        for (const figure of ['fencedInKbit', 'fencedOutKbit', 'fenced'] as const)
          for (const kind of ['rack', 'node'] as const)
            assert.equal(sum(of(rows, kind), figure), total?.figures[figure], `${kind} ${figure}`);
        const all = world.fenced.length === NODES.length;
        const free = of(rows, 'pool').map(({ figures }) => Math.max(0, figures.free ?? 0));
        const cutOff = all ? free.reduce((one, other) => one + other, 0) : 0;
        assert.equal(total?.figures.fencedFree, cutOff);
        for (const kind of ['rack', 'node'] as const)
          assert.equal(sum(of(rows, kind), 'spare'), sum(of(rows, 'pool'), 'spare'));
      }),
      { numRuns: runs(300) },
    ));

  it('leaves no address out and counts none twice', () =>
    fc.assert(
      fc.property(worlds, (world) => {
        const rows = capacityRows(factsOf(world), OPTIONS);
        for (const kind of ['pool', 'vlan', 'total'] as const)
          for (const { name, figures } of of(rows, kind)) {
            const {
              size,
              leased = 0,
              cooling = 0,
              quarantined = 0,
              promised = 0,
              free = 0,
            } = figures;
            assert.equal(leased + cooling + quarantined + promised + free, size, `${kind} ${name}`);
          }
        for (const kind of ['node', 'rack', 'total'] as const)
          for (const { figures } of of(rows, kind)) {
            const {
              capacityInKbit,
              leasedInKbit = 0,
              promisedInKbit = 0,
              freeInKbit = 0,
            } = figures;
            assert.equal(leasedInKbit + promisedInKbit + freeInKbit, capacityInKbit);
          }
      }),
      { numRuns: runs(300) },
    ));
});
