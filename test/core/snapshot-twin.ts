import { bandwidthOf } from '../../src/core/demand.ts';
import type { NodeFacts } from '../../src/core/facts.ts';
import { freeInPool, poolSpace, reaches } from '../../src/core/pool.ts';
import type { BlockRecord, TallyRecord } from '../../src/core/lease-record.ts';
import type { NetworkRecord, NodeRecord, PoolRecord } from '../../src/core/topology-record.ts';
import type { ReservationRecord } from '../../src/core/promise-record.ts';
import type { Witness } from '../../src/core/room.ts';

/** Everything that was set, and nothing that was computed. */
export interface State {
  networks: Map<string, NetworkRecord>;
  pools: Map<string, PoolRecord>;
  blocks: Map<string, Map<number, BlockRecord>>;
  nodes: Map<string, NodeRecord>;
  facts: Map<string, NodeFacts>;
  tallies: Map<string, TallyRecord>;
  promises: Map<string, Promise_>;
  nowMs: number;
}

interface Promise_ {
  record: ReservationRecord;
  base: Witness;
  before: Map<string, number>;
}

export const emptyState = (): State => ({
  networks: new Map(),
  pools: new Map(),
  blocks: new Map(),
  nodes: new Map(),
  facts: new Map(),
  tallies: new Map(),
  promises: new Map(),
  nowMs: Infinity,
});

export function heldOn(state: State, app: string): Map<string, number> {
  const held = new Map<string, number>();
  for (const [node, { apps }] of state.tallies) {
    const most = Math.max(0, ...Object.values(apps[app] ?? {}));
    if (most > 0) held.set(node, most);
  }
  return held;
}

const heldOf = (state: State, app: string, network: string): number =>
  [...state.tallies.values()].reduce((sum, { apps }) => sum + (apps[app]?.[network] ?? 0), 0);

export function heldBy(state: State, app: string): number {
  const networks = new Set(
    [...state.tallies.values()].flatMap(({ apps }) => Object.keys(apps[app] ?? {})),
  );
  return Math.max(0, ...[...networks].map((network) => heldOf(state, app, network)));
}

export const owed = (state: State, app: string): number =>
  Math.max(0, (state.promises.get(app)?.record.target ?? 0) - heldBy(state, app));

export function promise(
  state: State,
  app: string,
  record: ReservationRecord,
  base?: Witness,
): void {
  const known = state.promises.get(app);
  const again =
    !base && known?.record.id === record.id && known.record.sequence === record.sequence;
  state.promises.set(
    app,
    again
      ? { ...known, record }
      : {
          record,
          base: base ?? { nodes: new Map(record.witness), pools: new Map(record.draws) },
          before: heldOn(state, app),
        },
  );
}

const networkOf = (state: State, pool: string): string | undefined =>
  state.pools.has(pool)
    ? [...state.networks].find(([, { pools }]) => pools.includes(pool))?.[0]
    : undefined;

function reach(state: State, node: string): string[] {
  const record = state.nodes.get(node);
  if (!record) return [];
  const attributes = { ...state.facts.get(node)?.attributes, ...record.attributes };
  return [...state.pools]
    .filter(([pool]) => networkOf(state, pool) !== undefined)
    .filter(([, { nodes }]) => reaches(nodes, node, attributes))
    .map(([pool]) => pool)
    .sort();
}

/** One instance at a time, as the sentence in owed.ts has it. */
function giveUp(
  places: ReadonlyMap<string, number>,
  keep: number,
  landed: (place: string) => number,
): Map<string, number> {
  const units = [...places].flatMap(([place, count]) =>
    Array.from({ length: count }, (_, i) => ({ place, first: i < landed(place) })),
  );
  let excess = Math.max(0, units.length - Math.max(0, keep));
  const gone = new Set<(typeof units)[number]>();
  for (const unit of [...units.filter((u) => u.first), ...units.filter((u) => !u.first).reverse()])
    if (excess-- > 0) gone.add(unit);
  const left = new Map<string, number>();
  for (const unit of units)
    if (!gone.has(unit)) left.set(unit.place, (left.get(unit.place) ?? 0) + 1);
  return left;
}

function placesLeft(
  state: State,
  app: string,
): { nodes: Map<string, number>; pools: Map<string, number> } {
  const { record, base, before } = state.promises.get(app)!;
  const held = heldOn(state, app);
  const nodes = giveUp(
    base.nodes,
    owed(state, app),
    (node) => (held.get(node) ?? 0) - (before.get(node) ?? 0),
  );
  const gone = (pool: string): number =>
    [...base.nodes]
      .filter(([node]) => reach(state, node).includes(pool))
      .reduce((sum, [node, count]) => sum + count - (nodes.get(node) ?? 0), 0);
  const pools = record.demand.addresses.flatMap(({ network }) => {
    const drawn = [...base.pools].filter(([pool]) => networkOf(state, pool) === network);
    return [...giveUp(new Map(drawn), record.target - heldOf(state, app, network), gone)];
  });
  return { nodes, pools: new Map(pools) };
}

const freeOfLeases = (state: State, pool: string): number =>
  freeInPool(
    poolSpace(state.pools.get(pool)!),
    [...(state.blocks.get(pool) ?? [])].map(([n, block]) => [BigInt(n), block] as const),
    state.nowMs,
  );

/** The whole picture, from nothing. */
export function rebuilt(state: State, without: readonly string[] = []) {
  const apps = [...state.promises.keys()].sort();
  const places = new Map(apps.map((app) => [app, placesLeft(state, app)]));
  const free = new Map<string, number>();
  for (const pool of state.pools.keys())
    if (networkOf(state, pool) !== undefined) free.set(pool, freeOfLeases(state, pool));
  const give = new Map<string, number>();
  const draw = (app: string, pool: string, count: number): void => {
    if (free.has(pool)) free.set(pool, free.get(pool)! - count);
    if (without.includes(app)) give.set(pool, (give.get(pool) ?? 0) + count);
  };
  for (const [app, { pools }] of places) for (const [pool, n] of pools) draw(app, pool, n);
  const short = new Set<string>();
  const drawers = new Map<string, Set<string>>();
  for (const [app, { nodes, pools }] of places) {
    const sum = [...nodes.values()].reduce((a, b) => a + b, 0);
    if (owed(state, app) > sum) short.add(app);
    for (const pool of pools.keys()) drawers.set(pool, (drawers.get(pool) ?? new Set()).add(app));
  }
  for (const app of apps)
    for (const { network } of state.promises.get(app)!.record.demand.addresses) {
      const own = [...places.get(app)!.pools].filter(([p]) => networkOf(state, p) === network);
      let missing = owed(state, app) - own.reduce((sum, [, n]) => sum + n, 0);
      if (missing <= 0) continue;
      short.add(app);
      const pools = (state.networks.get(network)?.pools ?? []).filter((p) => free.has(p));
      const left = pools.map((pool) => [pool, free.get(pool)!] as const);
      for (const [pool, has] of left) {
        const share = Math.min(missing, Math.max(0, has));
        if (share > 0) drawers.set(pool, (drawers.get(pool) ?? new Set()).add(app));
        draw(app, pool, share);
        missing -= share;
      }
      if (missing > 0 && pools[0] !== undefined) {
        draw(app, pools[0], missing);
        drawers.set(pools[0], (drawers.get(pools[0]) ?? new Set()).add(app));
      }
    }
  const stale = new Set(short);
  for (const [pool, who] of drawers)
    if ((free.get(pool) ?? 0) < 0) for (const app of who) stale.add(app);

  const nodes = new Map<string, Record<string, unknown>>();
  for (const name of new Set([...state.nodes.keys(), ...state.facts.keys()])) {
    const room = nodeOf(state, name, { places, without: [] });
    for (const [app, plan] of places) {
      if (!plan.nodes.has(name)) continue;
      const { inKbit, outKbit } = bandwidthOf(state.promises.get(app)!.record.demand);
      const strained = (room.netInKbit < 0 && inKbit > 0) || (room.netOutKbit < 0 && outKbit > 0);
      if (!room.offered || strained) stale.add(app);
    }
    nodes.set(name, nodeOf(state, name, { places, without }));
  }
  for (const [app, plan] of places)
    for (const name of plan.nodes.keys()) if (!nodes.has(name)) stale.add(app);
  const pools = new Map(
    [...free].map(([pool, n]) => [
      pool,
      { network: networkOf(state, pool), free: n + (give.get(pool) ?? 0) },
    ]),
  );
  return { nodes, pools, stale: [...stale].sort() };
}

function nodeOf(
  state: State,
  name: string,
  { places, without }: { places: ReturnType<typeof placesOf>; without: readonly string[] },
) {
  const facts = state.facts.get(name);
  const record = state.nodes.get(name);
  const tally = state.tallies.get(name);
  const room = {
    name,
    attributes: facts?.attributes ?? {},
    ...(facts?.region !== undefined && { region: facts.region }),
    ...(facts?.zone !== undefined && { zone: facts.zone }),
    offered: facts?.offered ?? false,
    cpus: facts?.cpus ?? 0,
    memMiB: facts?.memMiB ?? 0,
    diskMiB: facts?.diskMiB ?? 0,
    gpus: facts?.gpus ?? 0,
    netInKbit: record ? linkOf(record.linkInKbit, record) - (tally?.netInKbit ?? 0) : 0,
    netOutKbit: record ? linkOf(record.linkOutKbit, record) - (tally?.netOutKbit ?? 0) : 0,
    pools: reach(state, name),
  };
  const ports = new Set<number>();
  for (const [from, to] of facts?.ports ?? []) for (let p = from; p <= to; p++) ports.add(p);
  let any = 0;
  for (const [app, plan] of places) {
    if (without.includes(app)) continue;
    const { record: promised } = state.promises.get(app)!;
    const held = heldOn(state, app).get(name) ?? 0;
    const count = plan.nodes.get(name) ?? 0;
    const { inKbit, outKbit } = bandwidthOf(promised.demand);
    if (record) {
      room.netInKbit -= held * promised.growInKbit + count * inKbit;
      room.netOutKbit -= held * promised.growOutKbit + count * outKbit;
    }
    room.cpus -= count * promised.demand.cpus;
    room.memMiB -= count * promised.demand.memMiB;
    room.diskMiB -= count * promised.demand.diskMiB;
    room.gpus -= count * promised.demand.gpus;
    any += count * promised.demand.ports.any;
    if (count > 0) for (const port of promised.demand.ports.fixed) ports.delete(port);
  }
  for (const port of [...ports].sort((a, b) => b - a).slice(0, any)) ports.delete(port);
  for (const figure of ['cpus', 'memMiB', 'diskMiB', 'gpus'] as const)
    room[figure] = Math.max(0, Math.round(room[figure] * 1000) / 1000);
  return { ...room, ports: rangesOf(ports) };
}

const placesOf = (state: State) =>
  new Map([...state.promises.keys()].map((app) => [app, placesLeft(state, app)]));

const linkOf = (link: number, { headroom, overcommit }: NodeRecord): number =>
  Math.floor(link * headroom * overcommit + 0.001);

function rangesOf(ports: ReadonlySet<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const port of [...ports].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.[1] === port - 1) last[1] = port;
    else ranges.push([port, port]);
  }
  return ranges;
}
