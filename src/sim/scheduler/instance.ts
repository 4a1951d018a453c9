import type { SimNode } from '../nodes.ts';
import { safeId } from '../ids.ts';
import type { Spec } from '../specs/spec.ts';

export type Condition =
  | 'Scheduled'
  | 'Provisioned'
  | 'Staging'
  | 'Starting'
  | 'Running'
  | 'Killing'
  | 'Unreachable'
  | 'UnreachableInactive';

/** What Marathon believes about one instance of a spec. */
export interface Instance {
  readonly id: string;
  /** The configuration it runs, or will run once launched. */
  spec: Spec;
  goal: 'Running' | 'Decommissioned';
  condition: Condition;
  /** Counts launches under the same instance id; the suffix of the task id. */
  incarnation: number;
  readonly createdMs: number;
  changedMs: number;
  node: SimNode | undefined;
  /** State of the last task while waiting for a relaunch, e.g. TASK_FAILED. */
  lastEnd: string | undefined;
  taskIds: readonly string[];
  ports: readonly number[];
  addresses: readonly string[];
  stagedMs: number | undefined;
  startedMs: number | undefined;
  /** Absent while nobody has looked. */
  healthy: boolean | undefined;
}

export const createInstance = (spec: Spec, uuid: string, now: number): Instance => ({
  id: `${safeId(spec.id)}.instance-${uuid}`,
  spec,
  goal: 'Running',
  condition: 'Scheduled',
  incarnation: 0,
  createdMs: now,
  changedMs: now,
  node: undefined,
  lastEnd: undefined,
  taskIds: [],
  ports: [],
  addresses: [],
  stagedMs: undefined,
  startedMs: undefined,
  healthy: undefined,
});

/** Task ids of one launch: `._app.2` for apps, `.container.2` per container of a pod. */
export const taskIdsOf = (instance: Instance, incarnation: number): string[] =>
  instance.spec.kind === 'app'
    ? [`${instance.id}._app.${incarnation}`]
    : instance.spec.containers.map((name) => `${instance.id}.${name}.${incarnation}`);

/** Counts towards the instances that a spec should have. */
export const isActive = ({ goal, condition }: Instance): boolean =>
  goal === 'Running' && condition !== 'UnreachableInactive';

/** Up, and healthy where somebody looks. */
export const isReady = ({ goal, condition, healthy, spec }: Instance): boolean =>
  goal === 'Running' && condition === 'Running' && (!spec.hasHealthChecks || healthy === true);

const KILL_ORDER: Readonly<Record<Condition, number>> = {
  Unreachable: 0,
  UnreachableInactive: 0,
  Scheduled: 1,
  Provisioned: 2,
  Staging: 3,
  Starting: 4,
  Killing: 5,
  Running: 6,
};

/** Which instances a spec loses first. */
export const inKillOrder = (instances: readonly Instance[]): Instance[] =>
  [...instances].sort((a, b) => {
    const state = KILL_ORDER[a.condition] - KILL_ORDER[b.condition];
    const age = (a.startedMs ?? a.createdMs) - (b.startedMs ?? b.createdMs);
    return (
      state || (a.spec.killSelection === 'OLDEST_FIRST' ? age : -age) || (a.id < b.id ? -1 : 1)
    );
  });

/** The state that the API shows; undefined while there never was a task. */
export const shownState = (instance: Instance): string | undefined => {
  switch (instance.condition) {
    case 'Scheduled':
      return instance.lastEnd;
    case 'Provisioned':
    case 'Staging':
      return 'TASK_STAGING';
    case 'Starting':
      return 'TASK_STARTING';
    case 'Running':
      return 'TASK_RUNNING';
    case 'Killing':
      return 'TASK_KILLING';
    case 'Unreachable':
    case 'UnreachableInactive':
      return 'TASK_UNREACHABLE';
  }
};
