import type { Spec } from './specs/spec.ts';
import type { SimNode } from './nodes.ts';

export type TaskState =
  | 'TASK_STAGING'
  | 'TASK_STARTING'
  | 'TASK_RUNNING'
  | 'TASK_KILLING'
  | 'TASK_KILLED'
  | 'TASK_FAILED'
  | 'TASK_FINISHED'
  | 'TASK_DROPPED'
  | 'TASK_GONE'
  | 'TASK_UNREACHABLE';

const TERMINAL: ReadonlySet<TaskState> = new Set([
  'TASK_KILLED',
  'TASK_FAILED',
  'TASK_FINISHED',
  'TASK_DROPPED',
  'TASK_GONE',
]);

export const isTerminal = (state: TaskState): boolean => TERMINAL.has(state);

/** One update of a container, as the agent or the master reports it. */
export interface Status {
  readonly state: TaskState;
  readonly source: 'SOURCE_EXECUTOR' | 'SOURCE_AGENT' | 'SOURCE_MASTER';
  readonly reason?: string;
  readonly message: string;
  readonly atMs: number;
  readonly uuid: string;
  readonly healthy?: boolean;
}

/** What a framework puts into an ACCEPT. */
export interface LaunchOrder {
  readonly instanceId: string;
  readonly incarnation: number;
  readonly spec: Spec;
  readonly node: SimNode;
  /** One for an app, one per container for a pod. */
  readonly taskIds: readonly string[];
  readonly ports: readonly number[];
}

/** What really runs on a node, whatever the framework believes. */
export interface Container {
  readonly order: LaunchOrder;
  /** The first task id; names the container everywhere in the simulation. */
  readonly task: string;
  readonly containerId: string;
  /** The node's agent at the launch. */
  readonly agentId: string;
  readonly launchedMs: number;
  state: TaskState;
  /** True from the first kill on; a kill said twice changes nothing. */
  dying: boolean;
  /** True once the source was asked and while its addresses are not given back. */
  holding: boolean;
  /** The answer of the source is awaited. */
  taking: boolean;
  addresses: readonly string[];
  readonly statuses: Status[];
}

/** Message and origin of a launch that failed for lack of an address. */
export const refusedStatus = (
  spec: Spec,
  containerId: string,
  message: string,
): Pick<Status, 'source' | 'message' | 'reason'> =>
  spec.containerizer === 'DOCKER'
    ? { source: 'SOURCE_EXECUTOR', message: 'Container exited with status 125' }
    : {
        source: 'SOURCE_AGENT',
        reason: 'REASON_CONTAINER_LAUNCH_FAILED',
        message:
          `Failed to launch container: The CNI plugin '/opt/cni/bin/corral' failed to attach container ` +
          `${containerId} to CNI network '${spec.networks[0] ?? ''}': stdout='${message}', stderr=''`,
      };
