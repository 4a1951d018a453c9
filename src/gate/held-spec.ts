import {
  isObject,
  type Json,
  type JsonObject,
  numberAt,
  objectAt,
  textAt,
} from '../cluster/marathon/json.ts';
import type { MarathonRead } from '../cluster/marathon/reads.ts';

/** An app or pod as Marathon has it. */
export interface HeldSpec {
  readonly id: string;
  readonly kind: 'app' | 'pod';
  readonly spec: JsonObject;
  /** What Marathon is told to run. */
  readonly instances: number;
  readonly version?: string;
  readonly labels: JsonObject;
}

/** By canonical id; undefined when there is neither such an app nor such a pod. */
export type FindSpec = (id: string, signal: AbortSignal) => Promise<HeldSpec | undefined>;

/** Asks for an app first: most are. */
export const specFinder =
  (read: (wanted: MarathonRead, signal: AbortSignal) => Promise<Json | undefined>): FindSpec =>
  async (id, signal) => {
    const app = await read({ what: 'app', id }, signal);
    if (isObject(app)) return specOf(id, 'app', app);
    const pod = await read({ what: 'pod', id }, signal);
    return isObject(pod) ? specOf(id, 'pod', pod) : undefined;
  };

function specOf(id: string, kind: 'app' | 'pod', spec: JsonObject): HeldSpec {
  const version = textAt(spec, 'version');
  const counted = kind === 'app' ? spec : (objectAt(spec, 'scaling') ?? {});
  return {
    ...{ id, kind, spec, labels: objectAt(spec, 'labels') ?? {} },
    instances: numberAt(counted, 'instances') ?? 1,
    ...(version !== undefined && { version }),
  };
}

/**
 * Instances that are up. Those of an app that are still being started count when they hold an address,
 * for then the room is theirs; of a pod only the addresses are known here.
 *
 * @param leases  instances of it that hold their addresses
 */
export function runsOf({ kind, spec, instances }: HeldSpec, leases: number): number {
  if (kind === 'pod') return Math.min(leases, instances);
  const running = numberAt(spec, 'tasksRunning') ?? 0;
  const alive = running + (numberAt(spec, 'tasksStaged') ?? 0);
  return Math.max(running, Math.min(leases, alive));
}
