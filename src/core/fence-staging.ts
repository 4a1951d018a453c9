import type { Demand } from './demand.ts';
import type { NodeRoom } from './room.ts';
import type { Growth } from './snapshot-nodes.ts';
import type { PoolStock } from './snapshot-seen.ts';

/** A task that Mesos has launched and that does not run yet: it may hold an address already, or not. */
export interface StagedTask {
  readonly node: string;
  /** Canonical id, where known. */
  readonly app?: string;
  /** One address of each is on its way. */
  readonly networks: readonly string[];
  readonly inKbit: number;
  readonly outKbit: number;
}

/** What is still owed to an admitted app. */
export interface Owed {
  readonly owed: number;
  readonly demand: Demand;
}

/** What the fence looks at; a Snapshot has all of it but what is staged. */
export interface FencePicture {
  readonly nodes: ReadonlyMap<string, NodeRoom>;
  readonly pools: ReadonlyMap<string, PoolStock>;
  readonly sparesOf: (node: string) => ReadonlyMap<string, number>;
  /** Instances promised to a node and not there yet, by app. */
  readonly promisedOn: (node: string) => ReadonlyMap<string, number>;
  /** Bandwidth promised to upgrades beyond what the instances to be replaced have, by node. */
  readonly growths: ReadonlyMap<string, Growth>;
  readonly owedTo: (app: string) => Owed | undefined;
  readonly staged: readonly StagedTask[];
}

/** Per pool, what is there (`have`) and what of it nobody was promised (`free`). */
export interface Left {
  readonly have: number;
  readonly free: number;
}

/** One task's address: out of its node's own stock, or of what is common to the pool's nodes. */
export interface Draws {
  readonly common: Map<string, { have: number; free: number }>;
  readonly stock: Map<string, Map<string, number>>;
}

export const NO_LEFT: Left = { have: 0, free: 0 };
export const add = <K>(counts: Map<K, number>, key: K, amount: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + amount);
};

export interface StagedHere {
  readonly apps: Map<string, number>;
  inKbit: number;
  outKbit: number;
}

export interface Staging {
  readonly draws: Draws;
  readonly nodes: ReadonlyMap<string, StagedHere>;
}

/** Staged instances of an app that is still owed some are those: their addresses are promised already. */
export function stagingOf(picture: FencePicture): Staging {
  const draws: Draws = { common: new Map(), stock: new Map() };
  const nodes = new Map<string, StagedHere>();
  const seen = new Map<string, number>();
  for (const task of picture.staged) {
    const { node, app = '', inKbit, outKbit } = task;
    const here = nodes.get(node) ?? { apps: new Map<string, number>(), inKbit: 0, outKbit: 0 };
    nodes.set(node, here);
    here.inKbit += inKbit;
    here.outKbit += outKbit;
    add(here.apps, app, 1);
    add(seen, app, 1);
    const isPromised = (seen.get(app) ?? 0) <= (picture.owedTo(app)?.owed ?? 0);
    for (const network of task.networks) draw(picture, draws, { node, network, isPromised });
  }
  return { draws, nodes };
}

interface Draw {
  readonly node: string;
  readonly network: string;
  readonly isPromised: boolean;
}

/** Own stock first, as the agent does; else the first pool that has one. */
function draw(picture: FencePicture, draws: Draws, { node, network, isPromised }: Draw): void {
  const reach = picture.nodes.get(node)?.pools ?? [];
  const pools = reach.filter((pool) => picture.pools.get(pool)?.network === network);
  const taken = draws.stock.get(node) ?? new Map<string, number>();
  draws.stock.set(node, taken);
  const stock = picture.sparesOf(node);
  const own = pools.find((pool) => (stock.get(pool) ?? 0) > (taken.get(pool) ?? 0));
  if (own !== undefined) {
    add(taken, own, 1);
    return;
  }
  const drawn = (pool: string) => draws.common.get(pool) ?? NO_LEFT;
  const has = (pool: string): boolean => (picture.pools.get(pool)?.common ?? 0) > drawn(pool).have;
  const pool = pools.find(has) ?? pools[0];
  if (pool === undefined) return;
  const { have, free } = drawn(pool);
  draws.common.set(pool, { have: have + 1, free: free + (isPromised ? 0 : 1) });
}
