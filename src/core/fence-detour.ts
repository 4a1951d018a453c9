import type { PendingLaunch, Takes } from './fence-demand.ts';
import type { FenceRoom } from './fence-room.ts';
import type { FailureRecord } from './failure-record.ts';
import { admitsOne } from './place-one.ts';
import { placedOn } from './placed.ts';
import type { NodeRoom } from './room.ts';

/** How long a launch that failed says something about where its app's next ones would fail, ms. */
export const DETOUR_MS = 60_000;
/** So many failures, and the app still waits: nobody stopped it. One more than the brake takes by default. */
export const STUBBORN = 4;
/** For that long they are remembered, ms. */
export const STUBBORN_MS = 600_000;
/** Most nodes that are kept out of offers for launches that fail; the cluster is everybody's. */
export const MOST_DETOURED = 64;

export interface DetourInput {
  readonly pending: readonly PendingLaunch[];
  /** Of the last STUBBORN_MS; older ones do no harm. */
  readonly failures: readonly FailureRecord[];
  readonly nodes: ReadonlyMap<string, NodeRoom>;
  readonly rooms: ReadonlyMap<string, FenceRoom>;
  /** Instances of an app that hold their addresses, by node. */
  readonly heldOn: (app: string) => ReadonlyMap<string, number>;
  /** Where apps stay that name no region. */
  readonly homeRegion?: string;
  readonly nowMs: number;
}

/** A node to be kept out of offers. */
export interface Detour {
  /** In words. */
  readonly why: string;
  /** Other launches that need it may open it. */
  readonly yields: boolean;
}

export interface Detours {
  readonly wrong: ReadonlyMap<string, Detour>;
  /** Apps whose launches wait and failed lately. */
  readonly failing: ReadonlySet<string>;
}

/**
 * Nodes that launches must not try again. A node stays in the offers for what it has left of one network
 * while it has nothing of another, and Marathon cannot tell: a launch that fails for lack of room is
 * evidence. While its app waits for another launch, and for a minute at most, the node where it failed
 * and every other that has not what it takes are out of offers, if some node is left that has.
 *
 * Where no node is left, the brake holds the app, and no node is closed for it. It must not hold an app
 * whose instances are being replaced: that one goes on failing, and then nodes that have not what it
 * takes are closed for as long as it waits and failed within ten minutes, unless others need them.
 */
export function detoursOf(input: DetourInput): Detours {
  const wrong = new Map<string, Detour>();
  const failing = new Set<string>();
  for (const launch of input.pending) {
    const failed = failedOf(launch, input);
    if (failed.nodes.size > 0) failing.add(launch.app);
    if (failed.count === 0) continue;
    const detour = { why: whyOf(launch, failed), yields: failed.nodes.size === 0 };
    for (const node of avoided(launch, failed, input))
      if (wrong.size < MOST_DETOURED && wrong.get(node)?.yields !== false) wrong.set(node, detour);
  }
  return { wrong, failing };
}

/** Of one launch; those where it failed come first: the others are a guess that the ledger makes. */
function avoided(
  launch: PendingLaunch,
  { nodes, count }: Failed,
  input: DetourInput,
): readonly string[] {
  const { takes } = launch;
  const { rooms } = input;
  const out = new Set([...nodes].filter((node) => rooms.has(node)));
  for (const [node, room] of rooms) if (!hasAll(room, takes)) out.add(node);
  const isEnough = isAnyLeft(input, launch, out) ? nodes.size > 0 : count >= STUBBORN;
  return isEnough ? [...out] : [];
}

interface Failed {
  /** Where, within the last minute. */
  readonly nodes: ReadonlySet<string>;
  /** How many, within ten. */
  readonly count: number;
}

function whyOf({ app }: PendingLaunch, { nodes }: Failed): string {
  const [first] = [...nodes].sort();
  const where = first === undefined ? 'lately' : `on ${first}`;
  return `launches of ${app} fail for lack of room ${where}`;
}

/** Launches of it; of those that nobody can name, all on its networks. */
function failedOf({ app, takes }: PendingLaunch, { failures, nowMs }: DetourInput): Failed {
  const its = failures.filter((record) =>
    record.app === undefined ? takes.networks.includes(record.network) : record.app === app,
  );
  const isWithin = (atMs: number, ms: number): boolean => Math.abs(nowMs - atMs) < ms;
  const lately = its.filter(({ atMs }) => isWithin(atMs, DETOUR_MS));
  const times = its.flatMap((record) => record.times);
  return {
    nodes: new Set(lately.map(({ node }) => node)),
    count: times.filter((atMs) => isWithin(atMs, STUBBORN_MS)).length,
  };
}

function hasAll(room: FenceRoom, { networks, inKbit, outKbit }: Takes): boolean {
  return (
    networks.every((network) => (room.networks.get(network)?.have ?? 0) > 0) &&
    room.netInKbit >= inKbit &&
    room.netOutKbit >= outKbit
  );
}

/**
 * A node that is offered, or would be but for us, with room of every kind that is known here, to which the
 * launch's constraints let it. What they count are all instances that hold addresses, also of a former
 * definition, which Marathon leaves out: then nobody is left here sooner than there.
 */
function isAnyLeft(input: DetourInput, launch: PendingLaunch, out: ReadonlySet<string>): boolean {
  const { nodes, rooms } = input;
  const { app, instances, takes, constraints } = launch;
  const placed = constraints.length > 0 ? placedOn(input.heldOn(app), { nodes }) : [];
  const admits = admitsOne(input, { constraints, placed, total: placed.length + instances });
  for (const name of rooms.keys()) {
    const node = nodes.get(name);
    if (!node || out.has(name) || !(node.offered || node.isFenced)) continue;
    if (node.cpus >= takes.cpus && node.memMiB >= takes.memMiB && admits(node)) return true;
  }
  return false;
}
