import type { Constraint } from './constraints.ts';
import { bandwidthOf, type Demand } from './demand.ts';
import type { FenceRoom } from './fence-room.ts';
import { thousandths } from './place-capacity.ts';

/** What one instance takes of a node, as far as the fence looks at it. */
export interface Takes {
  /** Networks of Corral's that it needs an address of; may be none. */
  readonly networks: readonly string[];
  readonly inKbit: number;
  readonly outKbit: number;
  readonly cpus: number;
  readonly memMiB: number;
}

export const takesOf = (demand: Demand): Takes => ({
  ...bandwidthOf(demand),
  networks: demand.addresses.map(({ network }) => network),
  cpus: demand.cpus,
  memMiB: demand.memMiB,
});

/** Launches that are about to come: Marathon's queue, or a promise too young to be in it. */
export interface PendingLaunch {
  /** Canonical id. */
  readonly app: string;
  readonly instances: number;
  readonly takes: Takes;
  readonly constraints: readonly Constraint[];
  /** Since when it waits, ms. */
  readonly sinceMs: number;
  /** Nodes that were found for it when it was admitted; empty when nobody looked. */
  readonly nodes: readonly string[];
}

/** A node that is closed, or would be for having too little. */
export interface DoorNode {
  readonly name: string;
  readonly room: FenceRoom;
  readonly cpus: number;
  readonly memMiB: number;
  readonly isOpen: boolean;
}

export interface DemandInput {
  readonly pending: readonly PendingLaunch[];
  readonly doors: readonly DoorNode[];
  /** Open, with more than the margin. */
  readonly roomy: ReadonlySet<string>;
  /** Networks of which some roomy node has addresses. */
  readonly roomyNetworks: ReadonlySet<string>;
  /** Apps whose launches fail: they wait for nothing (see fence-detour.ts). */
  readonly failing: ReadonlySet<string>;
  /**
   * Doors that are closed for launches that come back at once. Opened for others, they are open to those as
   * well, so others wait with them; but whoever has waited for `forMs` waits for no second burst.
   */
  readonly heldBack: { readonly doors: { has(name: string): boolean }; readonly forMs: number };
  /** How long launches may wait for the roomy nodes before other doors are opened, ms. */
  readonly patienceMs: number;
  readonly nowMs: number;
}

/** After so many waits every door is open: 2^20 is more than any cluster has addresses. */
const MOST_DOUBLINGS = 20;

/**
 * Doors that waiting launches need open although little is left behind them. Without this, a margin
 * would strand its addresses for ever, and a full cluster could not even replace a task that died.
 *
 * Launches that were admitted have nodes of their own, and these open at once unless a roomy one among
 * them may still take what is left. For others, doors are opened where most is left, for as many instances
 * as wait, and for twice as many each time they have waited that long again: who may go where
 * (constraints, memory) is not known here, and in the end every door with an address has been open. For
 * those that need no address of ours it is the same with CPU and memory: a cluster without an address
 * left still runs what needs none.
 */
export function demandedDoors(input: DemandInput): Set<string> {
  const open = new Set<string>();
  if (input.pending.length === 0) return open;
  const doors = [...input.doors].sort(roomiestFirst);
  for (const launch of input.pending) {
    const able = doors.filter(
      (door) => holdsOf(door, launch.takes) > 0 && !mustWait(door, launch, input),
    );
    const named = new Set(launch.nodes);
    const own = able.filter(({ name }) => named.has(name));
    const waits = waitsOf(launch, input);
    const hasRoomy = launch.nodes.some((name) => input.roomy.has(name));
    if (!hasRoomy || waits > 0) for (const { name } of own) open.add(name);
    for (const name of widened(able, launch, { input, waits })) open.add(name);
  }
  return open;
}

/** Instances that a door has room for, as far as is known here. */
function holdsOf({ room, cpus, memMiB }: DoorNode, takes: Takes): number {
  if (takes.networks.length > 0 && !(room.netInKbit > 0 && room.netOutKbit > 0)) return 0;
  const addresses = takes.networks.map((network) => room.networks.get(network)?.have ?? 0);
  if (addresses.length > 0) return Math.min(...addresses);
  return Math.min(holds(cpus, takes.cpus), holds(memMiB, takes.memMiB));
}

const holds = (free: number, each: number): number =>
  each > 0 ? Math.floor(thousandths(free) / thousandths(each)) : Infinity;

const mustWait = (
  { name }: DoorNode,
  { sinceMs }: PendingLaunch,
  { heldBack: { doors, forMs }, nowMs }: DemandInput,
): boolean => doors.has(name) && Math.abs(nowMs - sinceMs) < forMs;

/** Open ones first, so that a door that was opened is not swapped for another. */
const roomiestFirst = (one: DoorNode, other: DoorNode): number =>
  Number(other.isOpen) - Number(one.isOpen) ||
  other.room.addresses - one.room.addresses ||
  (one.name < other.name ? -1 : 1);

/** A clock that was set back makes nobody wait longer than once more. */
const waitsOf = ({ sinceMs }: PendingLaunch, { nowMs, patienceMs }: DemandInput): number =>
  Math.min(MOST_DOUBLINGS, Math.max(0, Math.floor((nowMs - sinceMs) / patienceMs)));

function widened(
  able: readonly DoorNode[],
  { app, instances, takes, nodes }: PendingLaunch,
  { input, waits }: { input: DemandInput; waits: number },
): string[] {
  const { roomyNetworks, roomy, failing } = input;
  const mayWait =
    nodes.length > 0 ||
    (roomy.size > 0 && takes.networks.every((network) => roomyNetworks.has(network)));
  const doublings = mayWait && !failing.has(app) ? waits : waits + 1;
  let wanted = instances * (2 ** doublings - 1);
  const names: string[] = [];
  for (const door of able) {
    if (wanted <= 0) break;
    names.push(door.name);
    wanted -= holdsOf(door, takes);
  }
  return names;
}
