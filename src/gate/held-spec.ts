import {
  isObject,
  type Json,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
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
  /** Instances that are up, as Marathon counts them. */
  readonly running: number;
  /** Those, and the ones on the way there, by node. What is on a lost node is none of them. */
  readonly alive: ReadonlyMap<string, number>;
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
    if (isObject(app)) return specOf(id, 'app', { spec: app, ...tasksOf(app) });
    const pod = await read({ what: 'pod', id }, signal);
    if (!isObject(pod)) return undefined;
    const status = await read({ what: 'pod-status', id }, signal);
    return specOf(id, 'pod', { spec: pod, ...instancesOf(isObject(status) ? status : {}) });
  };

type Counts = Pick<HeldSpec, 'running' | 'alive'>;

const ALIVE = new Set(['TASK_STAGING', 'TASK_STARTING', 'TASK_RUNNING']);

const tasksOf = (app: JsonObject): Counts => ({
  running: numberAt(app, 'tasksRunning') ?? 0,
  alive: byNode(
    objectsAt(app, 'tasks')
      .filter((task) => ALIVE.has(textAt(task, 'state') ?? ''))
      .map((task) => textAt(task, 'host')),
  ),
});

/** Those on a lost node are DEGRADED, as are ill ones; only the containers tell which. */
function instancesOf(status: JsonObject): Counts {
  const isIn = (one: JsonObject, ...states: string[]): boolean =>
    states.includes(textAt(one, 'status') ?? '');
  const isUp = (one: JsonObject): boolean =>
    isIn(one, 'STABLE') ||
    (isIn(one, 'DEGRADED') &&
      objectsAt(one, 'containers').every((each) => isIn(each, 'TASK_RUNNING')));
  const instances = objectsAt(status, 'instances');
  const alive = instances.filter((one) => isUp(one) || isIn(one, 'PENDING', 'STAGING'));
  return {
    running: instances.filter(isUp).length,
    alive: byNode(alive.map((one) => textAt(one, 'agentHostname'))),
  };
}

function byNode(nodes: readonly (string | undefined)[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) if (node !== undefined) counts.set(node, (counts.get(node) ?? 0) + 1);
  return counts;
}

function specOf(
  id: string,
  kind: 'app' | 'pod',
  { spec, ...counts }: Counts & { readonly spec: JsonObject },
): HeldSpec {
  const version = textAt(spec, 'version');
  const counted = kind === 'app' ? spec : (objectAt(spec, 'scaling') ?? {});
  return {
    ...{ id, kind, spec, labels: objectAt(spec, 'labels') ?? {}, ...counts },
    instances: numberAt(counted, 'instances') ?? 1,
    ...(version !== undefined && { version }),
  };
}

/**
 * Instances that are up. Those that are still being started count when they hold an address, for then the
 * room is theirs.
 *
 * @param heldOn  instances of it that hold their addresses, by node, lost ones too
 */
export function runsOf({ running, alive }: HeldSpec, heldOn: ReadonlyMap<string, number>): number {
  let placed = 0;
  for (const [node, count] of alive) placed += Math.min(count, heldOn.get(node) ?? 0);
  return Math.max(running, placed);
}
