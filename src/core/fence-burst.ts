import type { Constraint } from './constraints.ts';
import type { Takes } from './fence-demand.ts';
import type { FencePicture } from './fence-staging.ts';
import { admitsOne } from './place-one.ts';
import type { NodeRoom, Room } from './room.ts';

/**
 * Instances of an admitted change that Marathon ends and starts again at once, without addresses for them
 * until those of the ended have rested.
 */
export interface Burst {
  readonly app: string;
  /** Of the promise. */
  readonly id: string;
  readonly instances: number;
  readonly takes: Takes;
  readonly constraints: readonly Constraint[];
  /** When it was admitted, ms. */
  readonly sinceMs: number;
}

/** Promises whose launches are held back no more: what ends once does not begin again. */
export type BurstsOver = ReadonlySet<string>;

export interface BurstInput {
  readonly bursts: readonly Burst[];
  readonly picture: Pick<FencePicture, 'nodes' | 'pools' | 'sparesOf'>;
  /** Where apps stay that name no region. */
  readonly homeRegion?: string;
  readonly over: BurstsOver;
  readonly nowMs: number;
}

export interface HeldBack {
  /** Why a node is to be out of offers, in words. */
  readonly nodes: ReadonlyMap<string, string>;
  /** Apps that no door is opened for. */
  readonly apps: ReadonlySet<string>;
  readonly over: BurstsOver;
}

/** So many launches may fail at once; more would, one try later, be what the brake takes for a loop. */
export const MOST_AT_ONCE = 2;
/**
 * How long launches are held back, ms: an address is given again after 16 s where nothing else is left
 * (ledger/lease-options.ts), and a container has 3 s to end unless its app says otherwise.
 */
export const BURST_MS = 24_000;
/** Most nodes that are kept out of offers for one burst; the cluster is everybody's. */
const MOST_NODES = 64;

/**
 * Nodes that are out of offers while a burst would fail on them. All instances that are killed, or
 * replaced without a minimum that stays up, come back at once, and in a full pool each of them fails
 * before the first failure is known. What was admitted has its room, only later: until there are
 * addresses, and for `BURST_MS` at most, no node that the launches may go to is offered, unless others have
 * waited for it as long. More nodes than `MOST_NODES` are none of one app's.
 */
export function heldBack(input: BurstInput): HeldBack {
  const nodes = new Map<string, string>();
  const apps = new Set<string>();
  const over = new Set<string>();
  for (const burst of input.bursts) {
    const open = openTo(burst, input);
    if (isOver(burst, open, input)) {
      over.add(burst.id);
      continue;
    }
    apps.add(burst.app);
    const { app, instances } = burst;
    const why = `${instances} instances of ${app} come back at once, and their addresses rest`;
    for (const { name } of open) nodes.set(name, why);
  }
  return { nodes, apps, over };
}

function isOver(burst: Burst, open: readonly NodeRoom[], { over, picture, nowMs }: BurstInput) {
  const { id, sinceMs, instances, takes } = burst;
  if (over.has(id) || Math.abs(nowMs - sinceMs) >= BURST_MS || open.length > MOST_NODES)
    return true;
  const short = takes.networks.map((network) => instances - addressesOf(network, open, picture));
  return short.every((some) => some <= MOST_AT_ONCE);
}

/** Nodes of ours that its constraints let it go to, as if none of it ran. */
function openTo(
  { instances, constraints }: Burst,
  { picture: { nodes }, homeRegion }: BurstInput,
): readonly NodeRoom[] {
  const region: Pick<Room, 'homeRegion'> = homeRegion === undefined ? {} : { homeRegion };
  const admits = admitsOne(region, { constraints, placed: [], total: instances });
  return [...nodes.values()].filter((node) => node.pools.length > 0 && admits(node));
}

/** There for whoever comes first on one of these nodes. */
function addressesOf(
  network: string,
  on: readonly NodeRoom[],
  { pools, sparesOf }: BurstInput['picture'],
): number {
  const reached = new Set(on.flatMap((node) => node.pools));
  let sum = 0;
  for (const name of reached) {
    const pool = pools.get(name);
    if (pool?.network !== network) continue;
    sum += Math.max(0, pool.common);
    for (const node of on) sum += sparesOf(node.name).get(name) ?? 0;
  }
  return sum;
}
