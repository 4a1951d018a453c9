import type { PendingLaunch, Takes } from './fence-demand.ts';
import type { FenceRoom } from './fence-room.ts';
import type { FailureRecord } from './failure-record.ts';
import type { NodeRoom } from './room.ts';

/** How long a launch that failed says something about where its app's next ones would fail, ms. */
export const DETOUR_MS = 60_000;
/** Most nodes that are kept out of offers for launches that fail; the cluster is everybody's. */
export const MOST_DETOURED = 64;

export interface DetourInput {
  readonly pending: readonly PendingLaunch[];
  /** Recent ones; older ones do no harm. */
  readonly failures: readonly FailureRecord[];
  readonly nodes: ReadonlyMap<string, NodeRoom>;
  readonly rooms: ReadonlyMap<string, FenceRoom>;
  readonly nowMs: number;
}

export interface Detours {
  /** Nodes to be kept out of offers, and why, in words. */
  readonly wrong: ReadonlyMap<string, string>;
  /** Apps whose launches wait and failed lately. */
  readonly failing: ReadonlySet<string>;
}

/**
 * Nodes that launches must not try again. A node stays in the offers for what it has left of one network
 * while it has nothing of another, and Marathon cannot tell: a launch that fails for lack of room is
 * evidence. While its app waits for another launch, and for a minute at most, the node where it failed
 * and every other that has not what it takes are out of offers, if some node is left that has.
 *
 * Where no node is left, nobody is kept out: that launch cannot be helped by this, and the brake sees to
 * it.
 */
export function detoursOf(input: DetourInput): Detours {
  const wrong = new Map<string, string>();
  const failing = new Set<string>();
  for (const launch of input.pending) {
    const failed = failedOn(launch, input);
    if (failed.size === 0) continue;
    failing.add(launch.app);
    const lacking = [...input.rooms].filter(
      ([node, room]) => failed.has(node) || !hasAll(room, launch.takes),
    );
    const out = new Set(lacking.map(([node]) => node));
    if (!isAnyLeft(input, launch.takes, out)) continue;
    const why = `launches of ${launch.app} fail for lack of room on ${one(failed)}`;
    // those where it failed first: the others are a guess that the ledger makes
    for (const node of [...failed.keys(), ...out])
      if (wrong.size < MOST_DETOURED && input.rooms.has(node)) wrong.set(node, why);
  }
  return { wrong, failing };
}

const one = (failed: ReadonlySet<string>): string => [...failed].sort()[0] ?? '';

/** Where launches of it failed lately; of those that nobody can name, all on its networks. */
function failedOn({ app, takes }: PendingLaunch, { failures, nowMs }: DetourInput): Set<string> {
  const lately = failures.filter(({ atMs }) => Math.abs(nowMs - atMs) < DETOUR_MS);
  const its = lately.filter((record) =>
    record.app === undefined ? takes.networks.includes(record.network) : record.app === app,
  );
  return new Set(its.map(({ node }) => node));
}

function hasAll(room: FenceRoom, { networks, inKbit, outKbit }: Takes): boolean {
  return (
    networks.every((network) => (room.networks.get(network)?.have ?? 0) > 0) &&
    room.netInKbit >= inKbit &&
    room.netOutKbit >= outKbit
  );
}

/** A node that is offered, or would be but for us, with room of every kind that is known here. */
function isAnyLeft({ nodes, rooms }: DetourInput, takes: Takes, out: ReadonlySet<string>): boolean {
  for (const name of rooms.keys()) {
    const node = nodes.get(name);
    if (!node || out.has(name) || !(node.offered || node.isFenced)) continue;
    if (node.cpus >= takes.cpus && node.memMiB >= takes.memMiB) return true;
  }
  return false;
}
