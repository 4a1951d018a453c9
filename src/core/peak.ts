/** What Marathon has of an app before a change. */
export interface Before {
  /** Target of the stored definition. */
  readonly instances: number;
  /** Every instance that Marathon tracks, those still dying included. */
  readonly tracked: number;
  /** Instances meant to run and not of the new version; crashed ones awaiting relaunch count. */
  readonly otherVersion: number;
  /** Instances meant to run and healthy; without health checks every one of them. */
  readonly healthy: number;
  /** Instances that already have the new version (a resumed deployment); absent means none. */
  readonly started?: number;
}

/** A change of one app or pod, as its deployment will see it. */
export interface Change {
  readonly before?: Before;
  /** The new target. */
  readonly instances: number;
  /** True when running instances are replaced, false for a new app or a pure scale. */
  readonly restart: boolean;
  /** minimumHealthCapacity, 0..1. */
  readonly minHealth: number;
  /** maximumOverCapacity, 0..1. */
  readonly maxOver: number;
  /** The app has persistent volumes. */
  readonly resident: boolean;
}

const NOTHING: Before = { instances: 0, tracked: 0, otherVersion: 0, healthy: 0 };

/**
 * Most instances that exist at once while the change is carried out. Unreachable instances, which
 * Marathon takes for gone, are not in it.
 *
 * @see Marathon: core/deployment/impl/TaskReplaceActor.scala, ScalingProposition.scala
 */
export function peakOf(change: Change): number {
  const { before = NOTHING } = change;
  return Math.max(before.tracked + extraOf(change), replaces(change) ? 0 : before.instances);
}

/** Instances that must fit beside everything that is tracked now. */
export function extraOf(change: Change): number {
  const { before = NOTHING, instances } = change;
  if (!replaces(change)) return Math.max(0, instances - before.tracked);
  const started = before.started ?? 0;
  const left = capacityOf(change) - before.otherVersion - started;
  return Math.max(0, Math.min(instances - started, left));
}

/**
 * Running instances that a restart ends before anything of the new version is up: for so many new ones
 * Marathon asks as soon as they have gone.
 */
export function endedAtOnce(change: Change): number {
  const { before = NOTHING, instances, minHealth } = change;
  if (!replaces(change)) return 0;
  const surplus = before.healthy - Math.ceil(instances * minHealth);
  return Math.max(0, Math.min(instances, Math.max(surplus, before.tracked - instances)));
}

/** A target of zero is a scale, whatever else changes. */
const replaces = ({ restart, instances, before }: Change): boolean =>
  restart && instances > 0 && before !== undefined;

/** Most old and new instances that Marathon lets exist while it replaces them. */
function capacityOf({ before = NOTHING, instances, minHealth, maxOver, resident }: Change): number {
  const healthyAtLeast = Math.ceil(instances * minHealth);
  // The product as IEEE doubles give it, since Marathon's do: 25 * 1.16 is 28.999999999999996.
  const capacity = Math.trunc(instances * (1 + maxOver));
  const stuck = healthyAtLeast === capacity && capacity <= before.healthy;
  return stuck && !resident ? capacity + 1 : capacity;
}
