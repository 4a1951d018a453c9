import type { FenceRoom } from './fence-room.ts';

/** Launches that are about to come: Marathon's queue, or a promise too young to be in it. */
export interface PendingLaunch {
  /** Canonical id. */
  readonly app: string;
  readonly instances: number;
  /** Networks of Corral's that each instance needs an address of; may be none. */
  readonly networks: readonly string[];
  /** Since when it waits, ms. */
  readonly sinceMs: number;
  /** Nodes that were found for it when it was admitted; empty when nobody looked. */
  readonly nodes: readonly string[];
}

/** A node that is closed, or would be for having too little. */
export interface DoorNode {
  readonly name: string;
  readonly room: FenceRoom;
  readonly isOpen: boolean;
}

export interface DemandInput {
  readonly pending: readonly PendingLaunch[];
  readonly doors: readonly DoorNode[];
  /** Open, with more than the margin. */
  readonly roomy: ReadonlySet<string>;
  /** Networks of which some roomy node has addresses. */
  readonly roomyNetworks: ReadonlySet<string>;
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
 * (constraints, memory) is not known here, and in the end every door with an address has been open.
 */
export function demandedDoors(input: DemandInput): Set<string> {
  const open = new Set<string>();
  if (input.pending.length === 0) return open;
  const doors = [...input.doors].filter(canTakeRate).sort(roomiestFirst);
  for (const launch of input.pending) {
    const able = doors.filter(({ room }) => hasAddresses(room, launch.networks));
    const named = new Set(launch.nodes);
    const own = able.filter(({ name }) => named.has(name));
    const waits = waitsOf(launch, input);
    const hasRoomy = launch.nodes.some((name) => input.roomy.has(name));
    if (!hasRoomy || waits > 0) for (const { name } of own) open.add(name);
    if (launch.networks.length === 0) continue;
    for (const name of widened(able, launch, { input, waits })) open.add(name);
  }
  return open;
}

const canTakeRate = ({ room }: DoorNode): boolean => room.netInKbit > 0 && room.netOutKbit > 0;

const hasAddresses = ({ networks }: FenceRoom, wanted: readonly string[]): boolean =>
  wanted.every((network) => (networks.get(network)?.have ?? 0) > 0);

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
  { instances, networks, nodes }: PendingLaunch,
  { input, waits }: { input: DemandInput; waits: number },
): string[] {
  const mayWait = nodes.length > 0 || networks.every((one) => input.roomyNetworks.has(one));
  const doublings = mayWait ? waits : waits + 1;
  let wanted = instances * (2 ** doublings - 1);
  const names: string[] = [];
  for (const { name, room } of able) {
    if (wanted <= 0) break;
    names.push(name);
    wanted -= Math.min(...networks.map((network) => room.networks.get(network)?.have ?? 0));
  }
  return names;
}
