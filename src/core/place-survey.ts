import { mayTake } from './offered.ts';
import { capacityOf, needsOf } from './place-capacity.ts';
import { rulesOf, type Rules } from './place-rules.ts';
import type { Ask, NodeRoom, PoolRoom, Room } from './room.ts';

/** The pools of one network that have addresses, those with the fewest first. */
export interface Network {
  readonly name: string;
  readonly pools: readonly string[];
  readonly free: readonly number[];
}

/** Nodes that are alike in everything but how many instances each holds. */
export interface NodeClass {
  /** Per network: indices of its pools that these nodes reach. */
  readonly reach: readonly (readonly number[])[];
  /** Per grouping of the rules: the value of its field. */
  readonly values: readonly string[];
  /** Values of the open CLUSTER fields. */
  readonly cluster: string;
  readonly nodes: string[];
  /** Instances that each node holds by itself. */
  readonly fits: number[];
}

/** Everything about a room that an ask can be placed by; nodes that hold nothing are left out. */
export interface Survey {
  readonly rules: Rules;
  readonly networks: readonly Network[];
  readonly classes: readonly NodeClass[];
}

/** Nodes looked at before the first answer is tried; four times as many before each further one. */
const FIRST_STAGE = 1024;

/**
 * One pass over the nodes, in stages: what fits on the nodes seen so far fits, so the caller may stop
 * at any stage. The last survey is of the whole room.
 */
export function* surveys(room: Room, ask: Ask): Generator<Survey, void> {
  const surveyor = new Surveyor(room, ask, networksOf(room, ask));
  let seen = 0;
  let stage = FIRST_STAGE;
  for (const node of room.nodes.values()) {
    surveyor.add(node);
    if (++seen < stage || seen === room.nodes.size) continue;
    yield surveyor;
    stage *= 4;
  }
  yield surveyor;
}

/**
 * The whole room at once.
 *
 * @param networks  those whose addresses count: all of the ask's unless told otherwise
 */
export function survey(room: Room, ask: Ask, networks = networksOf(room, ask)): Survey {
  const surveyor = new Surveyor(room, ask, networks);
  for (const node of room.nodes.values()) surveyor.add(node);
  return surveyor;
}

class Surveyor implements Survey {
  readonly rules: Rules;
  readonly networks: readonly Network[];
  readonly #sorter: Sorter;
  readonly #fitsOn: (node: NodeRoom) => number;
  readonly #reachOf: (node: NodeRoom) => Reach | undefined;

  constructor(room: Room, ask: Ask, networks: readonly Network[]) {
    this.rules = rulesOf(room, ask);
    this.networks = networks;
    this.#sorter = new Sorter(this.rules);
    this.#fitsOn = holding(this.rules, ask);
    this.#reachOf = reaching(networks);
  }

  get classes(): readonly NodeClass[] {
    return this.#sorter.classes;
  }

  add(node: NodeRoom): void {
    const fits = this.#fitsOn(node);
    if (fits === 0) return;
    const reach = this.#reachOf(node);
    if (reach !== undefined) this.#sorter.add(node, fits, reach);
  }
}

/** Instances that a node holds by its own means and by the rules that look at it alone. */
function holding({ tests, nodeCaps }: Rules, ask: Ask): (node: NodeRoom) => number {
  const capacity = capacityOf(needsOf(ask.demand), ask.demand.ports, ask.instances);
  return (node) => {
    if (!mayTake(node, ask.demand)) return 0;
    let fits = capacity(node);
    if (fits <= 0) return 0;
    for (const { base } of nodeCaps) fits = Math.min(fits, base(node.name));
    for (const { test } of tests) if (test(node) !== true) return 0;
    return fits;
  };
}

export function networksOf({ pools }: Room, { demand }: Ask): readonly Network[] {
  const byNetwork = new Map<string, [string, PoolRoom][]>();
  for (const { network } of demand.addresses) byNetwork.set(network, []);
  for (const pool of pools) if (pool[1].free > 0) byNetwork.get(pool[1].network)?.push([...pool]);
  return [...byNetwork].map(([name, found]) => {
    const sorted = found.sort(([, one], [, other]) => one.free - other.free);
    return { name, pools: sorted.map(([pool]) => pool), free: sorted.map(([, { free }]) => free) };
  });
}

type Reach = readonly (readonly number[])[];

/** Lists of pools are shared between versions of a node: joining them once is enough. */
const joined = new WeakMap<readonly string[], string>();

function joinedPools(pools: readonly string[]): string {
  const known = joined.get(pools);
  if (known !== undefined) return known;
  const key = pools.join('\n');
  joined.set(pools, key);
  return key;
}

/** Reach of a node's pools, the same object for the same reach; undefined when a network is out of it. */
function reaching(networks: readonly Network[]): (node: NodeRoom) => Reach | undefined {
  const indices = networks.map(({ pools }) => new Map(pools.map((pool, index) => [pool, index])));
  const byPools = new Map<string, Reach | undefined>();
  const byReach = new Map<string, Reach>();
  const find = (pools: readonly string[]): Reach | undefined => {
    const reach = indices.map((index) =>
      pools.flatMap((pool) => index.get(pool) ?? []).sort((a, b) => a - b),
    );
    if (reach.some(({ length }) => length === 0)) return undefined;
    const key = reach.map((pool) => pool.join()).join(';');
    byReach.set(key, byReach.get(key) ?? reach);
    return byReach.get(key);
  };
  const anywhere: Reach = [];
  if (networks.length === 0) return () => anywhere;
  return ({ pools }) => {
    const key = joinedPools(pools);
    if (!byPools.has(key)) byPools.set(key, find(pools));
    return byPools.get(key);
  };
}

/** Sorts nodes into classes. */
class Sorter {
  readonly classes: NodeClass[] = [];
  readonly #rules: Rules;
  readonly #byReach = new Map<Reach, Map<string, NodeClass>>();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  add(node: NodeRoom, fits: number, reach: Reach): void {
    const { groupings, clusters } = this.#rules;
    const values = groupings.length === 0 ? NONE : groupings.map(({ read }) => read(node) ?? '');
    const cluster = clusters.length === 0 ? '' : JSON.stringify(clusters.map((read) => read(node)));
    const key = values.length < 2 ? cluster + (values[0] ?? '') : cluster + JSON.stringify(values);
    let same = this.#byReach.get(reach);
    if (same === undefined) this.#byReach.set(reach, (same = new Map<string, NodeClass>()));
    let found = same.get(key);
    if (found === undefined) {
      found = { reach, values, cluster, nodes: [], fits: [] };
      same.set(key, found);
      this.classes.push(found);
    }
    found.nodes.push(node.name);
    found.fits.push(fits);
  }
}

const NONE: readonly string[] = [];
