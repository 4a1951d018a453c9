import { bandwidthOf, type Demand } from './demand.ts';
import { mayTake } from './offered.ts';
import type { NodeRoom, PoolRoom, Room } from './room.ts';
import type { NodeKnown } from './snapshot-known.ts';
import { nodeRoom } from './snapshot-nodes.ts';
import type { PlanBook } from './snapshot-plans.ts';
import type { PoolBook } from './snapshot-pools.ts';

export interface RoomParts {
  readonly nodes: ReadonlyMap<string, NodeKnown>;
  readonly pools: PoolBook;
  readonly plans: PlanBook;
}

const NOBODY: ReadonlySet<string> = new Set();

const strains = ({ netInKbit, netOutKbit }: NodeRoom, demand: Demand): boolean => {
  const { inKbit, outKbit } = bandwidthOf(demand);
  return (netInKbit < 0 && inKbit > 0) || (netOutKbit < 0 && outKbit > 0);
};

/**
 * A map and its twin that differs from it in a few places: looking past a promise costs what the
 * promise touches, and both are plain maps, which are walked fastest.
 */
class Twins<V> {
  readonly plain = new Map<string, V>();
  readonly altered = new Map<string, V>();
  #differing: string[] = [];

  set(name: string, value: V | undefined): void {
    for (const map of [this.plain, this.altered])
      if (value === undefined) map.delete(name);
      else map.set(name, value);
  }

  /** Lets `altered` differ from `plain` by these values and nothing else. */
  alter(values: ReadonlyMap<string, V>): void {
    const before = this.#differing;
    this.#differing = [...values.keys()];
    for (const name of before) {
      const value = this.plain.get(name);
      if (value !== undefined) this.altered.set(name, value);
    }
    for (const [name, value] of values) this.altered.set(name, value);
  }
}

/** The computed side of a snapshot: one object per node and pool, made anew only when it changes. */
export class Rooms {
  readonly #parts: RoomParts;
  readonly #nodes = new Twins<NodeRoom>();
  readonly #pools = new Twins<PoolRoom>();
  /** Nodes with promises that cannot be kept there, pools that promised more than they have. */
  readonly #strained = new Set<string>();
  readonly #overdrawn = new Set<string>();
  readonly room: Room = { nodes: this.#nodes.plain, pools: this.#pools.plain };

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  computeNode(name: string): void {
    const room = this.#nodeRoom(name, NOBODY);
    this.#nodes.set(name, room);
    const strained = this.#strainedOn(name, room).length > 0;
    if (strained) this.#strained.add(name);
    else this.#strained.delete(name);
  }

  #nodeRoom(name: string, except: ReadonlySet<string>): NodeRoom | undefined {
    const { nodes, plans } = this.#parts;
    const known = nodes.get(name);
    if (!known || !(known.record ?? known.facts)) return undefined;
    return nodeRoom(name, {
      facts: known.facts,
      record: known.record,
      tally: known.tally,
      promised: plans.promisedOn(name, except),
      growth: plans.growthOn(name, except),
      pools: known.reach,
    });
  }

  /** Apps whose promise no longer fits on a node. */
  #strainedOn(name: string, room: NodeRoom | undefined): string[] {
    const apps = [...this.#parts.plans.appsOn(name)];
    if (!room) return apps;
    return apps.filter((app) => {
      const promise = this.#parts.plans.get(app);
      return promise && (!mayTake(room, promise.demand) || strains(room, promise.demand));
    });
  }

  computePool(name: string): void {
    const { pools, plans } = this.#parts;
    const network = pools.networkOf(name);
    const free = pools.counts(name).unheld - plans.drawnFrom(name);
    this.#pools.set(name, network === undefined ? undefined : { network, free });
    if (free < 0 && plans.appsDrawing(name).length > 0) this.#overdrawn.add(name);
    else this.#overdrawn.delete(name);
  }

  /** Apps whose promise has to be placed again, sorted. */
  stale(): readonly string[] {
    const { plans } = this.#parts;
    const apps = new Set(plans.short());
    for (const node of this.#strained)
      for (const app of this.#strainedOn(node, this.room.nodes.get(node))) apps.add(app);
    for (const pool of this.#overdrawn) for (const app of plans.appsDrawing(pool)) apps.add(app);
    return [...apps].sort();
  }

  /** The room as if `apps` had been promised nothing; good until the next call or change. */
  without(apps: readonly string[]): Room {
    const { plans } = this.#parts;
    const except = new Set(apps.filter((app) => plans.get(app)));
    if (except.size === 0) return this.room;
    const nodes = new Map<string, NodeRoom>();
    const pools = new Map<string, PoolRoom>();
    for (const app of except) {
      for (const name of plans.nodesTouchedBy(app)) {
        const room = nodes.has(name) ? undefined : this.#nodeRoom(name, except);
        if (room) nodes.set(name, room);
      }
      for (const [pool, count] of plans.placesOf(app).pools) {
        const room = pools.get(pool) ?? this.room.pools.get(pool);
        if (room) pools.set(pool, { ...room, free: room.free + count });
      }
    }
    this.#nodes.alter(nodes);
    this.#pools.alter(pools);
    return { nodes: this.#nodes.altered, pools: this.#pools.altered };
  }
}
