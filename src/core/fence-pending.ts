import type { Constraint } from './constraints.ts';
import { type PendingLaunch, type Takes, takesOf } from './fence-demand.ts';
import type { ReservationRecord } from './promise-record.ts';

/** An app or pod in Marathon's launch queue. */
export interface QueuedLaunch {
  /** Canonical id. */
  readonly app: string;
  readonly instances: number;
  readonly takes: Takes;
  readonly constraints: readonly Constraint[];
  readonly sinceMs: number;
}

/** A promise with what is owed of it, and where it was found to fit. */
export interface OwedPromise {
  readonly app: string;
  readonly record: ReservationRecord;
  readonly owed: number;
  readonly nodes: readonly string[];
}

/** How long a promise may be ahead of Marathon's queue: what was admitted is queued within seconds. */
const YOUNG_MS = 15_000;

/**
 * Launches that are about to come. Marathon's queue is the truth where it was read; a promise adds the
 * nodes that were found for it, and stands for itself while it is too young to be queued.
 *
 * @param queue  undefined when Marathon did not answer: then every promise stands for itself
 */
export function pendingLaunches(
  queue: readonly QueuedLaunch[] | undefined,
  promises: readonly OwedPromise[],
  nowMs: number,
): PendingLaunch[] {
  const nodes = new Map(promises.map((promise) => [promise.app, promise.nodes]));
  const queued = (queue ?? []).map((one) => ({ ...one, nodes: nodes.get(one.app) ?? [] }));
  const known = new Set(queued.map(({ app }) => app));
  const others = promises
    .filter(({ app, owed }) => owed > 0 && !known.has(app))
    .filter(({ record }) => queue === undefined || Math.abs(nowMs - record.sinceMs) < YOUNG_MS)
    .map(({ app, owed, record, nodes }) => ({
      ...{ app, instances: owed, nodes, sinceMs: record.sinceMs },
      takes: takesOf(record.demand),
      constraints: record.constraints,
    }));
  return [...queued, ...others].filter(({ instances }) => instances > 0);
}
