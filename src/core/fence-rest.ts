import { type Constraint, nodeTest } from './constraints.ts';
import { type PendingLaunch, type Takes, takesOf } from './fence-demand.ts';
import type { Detour } from './fence-detour.ts';
import type { FenceRoom } from './fence-room.ts';
import type { ReservationRecord } from './promise-record.ts';
import type { NodeRoom } from './room.ts';

/** Instances of an admitted app that a kill or an upgrade ends and that are launched again. */
export interface Return {
  /** Canonical id. */
  readonly app: string;
  readonly takes: Takes;
  readonly constraints: readonly Constraint[];
  /** When that was admitted, ms. */
  readonly sinceMs: number;
  /** They are about to end: what they hold will rest when they are launched. Else they wait already. */
  readonly isComing: boolean;
}

/** So long after its promise a kill or an upgrade may still have to end what it ends, ms. */
const ENDS_WITHIN_MS = 15_000;
/** By then what ended at once has rested, ms: an address does for a minute by default. */
export const RESTED_AFTER_MS = ENDS_WITHIN_MS + 60_000;
/** So many may fail: the brake is there for them, and nodes are everybody's. More at once are a loop. */
export const FEW = 3;

/**
 * Apps of which more than a few instances come back at once: the kill or the upgrade was admitted a moment
 * ago, or their launches wait.
 *
 * @param heldBy  instances of an app that hold their addresses
 */
export function returnsOf(
  promises: Iterable<readonly [app: string, ReservationRecord]>,
  { pending, heldBy, nowMs }: Returning,
): Return[] {
  const queued = new Map(pending.map((launch) => [launch.app, launch]));
  return [...promises].flatMap(([app, record]): Return[] => {
    const { returning = 0, sinceMs, demand, constraints } = record;
    if (returning <= FEW) return [];
    const isYoung = Math.abs(nowMs - sinceMs) < ENDS_WITHIN_MS;
    const isComing = isYoung && heldBy(app) > 0;
    if (!isComing && (queued.get(app)?.instances ?? 0) <= FEW) return [];
    return [{ app, takes: takesOf(demand), constraints, sinceMs, isComing }];
  });
}

interface Returning {
  readonly pending: readonly PendingLaunch[];
  readonly heldBy: (app: string) => number;
  readonly nowMs: number;
}

export interface RestInput {
  readonly returns: readonly Return[];
  readonly nodes: ReadonlyMap<string, NodeRoom>;
  readonly rooms: ReadonlyMap<string, FenceRoom>;
  /** Networks of which addresses rest. */
  readonly resting: ReadonlySet<string>;
  readonly nowMs: number;
}

/**
 * Nodes to be kept from launches that would find nothing but addresses at rest. When all instances of an app
 * are killed at once in full pools, they are launched again within a second, as many at once, while what they
 * held rests: each of them fails, unless the nodes are out of offers by then. They are until an address is
 * there; others may open them once that takes longer than a rest.
 *
 * Only what an admitted kill or upgrade brings back: its promise keeps for it what rests. Whoever launches
 * without one is the brake's (brake.ts).
 */
export function restsOf(input: RestInput): Map<string, Detour> {
  const awaited = new Map<string, Detour>();
  for (const one of input.returns) {
    const { app, takes, sinceMs } = one;
    if (takes.networks.length === 0) continue;
    const may = nodesFor(one, input);
    if (may.some((name) => hasAddresses(input.rooms.get(name), takes))) continue;
    if (!one.isComing && !takes.networks.some((network) => input.resting.has(network))) continue;
    const yields = Math.abs(input.nowMs - sinceMs) >= RESTED_AFTER_MS;
    const detour = { why: `no address for ${app} until some have rested`, yields };
    for (const name of may) if (awaited.get(name)?.yields !== false) awaited.set(name, detour);
  }
  return awaited;
}

const hasAddresses = (room: FenceRoom | undefined, { networks }: Takes): boolean =>
  networks.every((network) => (room?.networks.get(network)?.have ?? 0) > 0);

/** Nodes that are offered, or would be but for us, to which its constraints let it. */
function nodesFor({ constraints }: Return, { nodes, rooms }: RestInput): string[] {
  const tests = constraints.map(nodeTest).filter((test) => test !== undefined);
  return [...rooms.keys()].filter((name) => {
    const node = nodes.get(name);
    if (!node || !(node.offered || node.isFenced)) return false;
    return tests.every((test) => test(node) !== false);
  });
}
