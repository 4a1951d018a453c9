import { bandwidthOf, type Demand } from './demand.ts';
import { place, type Placement } from './place.ts';
import type { Ask, NodeRoom, PoolRoom, Room, Witness } from './room.ts';
import { Patched } from './patched.ts';

export type GroupPlacement =
  | { readonly fits: true; readonly witnesses: readonly Witness[] }
  | {
      readonly fits: false;
      /** Index of the ask that found no room beside the others. */
      readonly at: number;
      readonly placement: Extract<Placement, { fits: false }>;
    };

/** Orders that are tried before a group is said not to fit. */
const MOST_ORDERS = 6;

/**
 * Room for several asks at once, each beside all others: the witnesses hold together. One after the
 * other on what is left, those with the least freedom first; whoever finds no room goes to the front and
 * all start again, up to six times. Never admits what cannot fit; a group that fits only in a
 * cleverer arrangement may be refused. Asks do not see each other in their constraints.
 */
export function placeAll(room: Room, asks: readonly Ask[]): GroupPlacement {
  let order = [...asks.keys()].sort((one, other) => freedom(asks[one]) - freedom(asks[other]));
  let first: GroupPlacement | undefined;
  for (let round = 0; round < MOST_ORDERS; round++) {
    const outcome = inOrder(room, asks, order);
    if (outcome.fits) return outcome;
    first ??= outcome;
    // in front of all it found no room either: no order helps
    if (order[0] === outcome.at) return outcome;
    order = [outcome.at, ...order.filter((index) => index !== outcome.at)];
  }
  return first ?? { fits: true, witnesses: [] };
}

/** A low figure for asks with many constraints, networks and instances, which are hard to place late. */
function freedom(ask: Ask | undefined): number {
  if (ask === undefined) return 0;
  const { constraints, demand, instances } = ask;
  const bulk = instances * (demand.cpus + demand.memMiB / 1024 + bandwidthOf(demand).outKbit / 1e5);
  return -(1e9 * constraints.length + 1e8 * demand.addresses.length + Math.min(bulk, 1e7));
}

function inOrder(room: Room, asks: readonly Ask[], order: readonly number[]): GroupPlacement {
  const witnesses: Witness[] = [];
  let left = room;
  for (const at of order) {
    const ask = asks[at];
    if (ask === undefined) continue;
    const placement = place(left, ask);
    if (!placement.fits) return { fits: false, at, placement };
    witnesses[at] = placement.witness;
    left = take(left, ask.demand, placement.witness);
  }
  return { fits: true, witnesses };
}

/** What a room made by `take` was made from, so that taking again does not pile up layers. */
interface Layer {
  readonly base: Room;
  readonly nodes: ReadonlyMap<string, NodeRoom>;
  readonly pools: ReadonlyMap<string, PoolRoom>;
}

const layers = new WeakMap<Room, Layer>();

/**
 * The room that is left beside a witness; negative counts give back. Costs what the witness touches.
 * Ports that Mesos chooses are taken from the top, fixed ones by number; ports are not given back.
 */
export function take(room: Room, demand: Demand, witness: Witness): Room {
  const { base, ...before } = layers.get(room) ?? {
    base: room,
    nodes: new Map(),
    pools: new Map(),
  };
  const nodes = new Map(before.nodes);
  for (const [name, count] of witness.nodes) {
    const node = room.nodes.get(name);
    if (node !== undefined) nodes.set(name, without(node, demand, count));
  }
  const pools = new Map(before.pools);
  for (const [name, count] of witness.pools) {
    const pool = room.pools.get(name);
    if (pool !== undefined) pools.set(name, { ...pool, free: pool.free - count });
  }
  const left: Room = {
    nodes: new Patched(base.nodes, nodes),
    pools: new Patched(base.pools, pools),
    ...(room.homeRegion === undefined ? {} : { homeRegion: room.homeRegion }),
  };
  layers.set(left, { base, nodes, pools });
  return left;
}

function without(node: NodeRoom, demand: Demand, count: number): NodeRoom {
  const { inKbit, outKbit } = bandwidthOf(demand);
  const left = (free: number, each: number) => Math.round((free - each * count) * 1000) / 1000;
  return {
    ...node,
    cpus: left(node.cpus, demand.cpus),
    memMiB: left(node.memMiB, demand.memMiB),
    diskMiB: left(node.diskMiB, demand.diskMiB),
    gpus: left(node.gpus, demand.gpus),
    netInKbit: left(node.netInKbit, inKbit),
    netOutKbit: left(node.netOutKbit, outKbit),
    ports: withoutPorts(node.ports, demand, count),
  };
}

type Ranges = NodeRoom['ports'];

function withoutPorts(ports: Ranges, { ports: { any, fixed } }: Demand, count: number): Ranges {
  if (count <= 0) return ports;
  const kept = fixed.reduce(withoutPort, ports);
  return withoutHighest(kept, any * count);
}

const withoutPort = (ports: Ranges, port: number): Ranges =>
  ports.flatMap(([from, to]): Ranges => {
    if (port < from || port > to) return [[from, to]];
    const around: Ranges = [
      [from, port - 1],
      [port + 1, to],
    ];
    return around.filter(([low, high]) => low <= high);
  });

function withoutHighest(ports: Ranges, count: number): Ranges {
  let left = count;
  const kept: (readonly [number, number])[] = [];
  for (const [from, to] of [...ports].reverse()) {
    const taken = Math.min(left, to - from + 1);
    left -= taken;
    if (to - taken >= from) kept.unshift([from, to - taken]);
  }
  return kept;
}
