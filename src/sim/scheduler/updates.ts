import type { Agenda } from '../agenda.ts';
import { type Container, type Status, type TaskState, isTerminal } from '../container.ts';
import type { EventBus } from '../events.ts';
import type { Fleet } from '../fleet.ts';
import type { JsonObject } from '../json.ts';
import { backoffKey } from '../specs/spec.ts';
import type { Timing } from '../timing.ts';
import type { Condition, Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import type { Launcher } from './launcher.ts';

export interface UpdatesDeps {
  readonly agenda: Agenda;
  readonly fleet: Fleet;
  readonly events: EventBus;
  readonly instances: Instances;
  readonly launcher: Launcher;
  readonly timing: Timing;
  readonly changed: (instance: Instance) => void;
  /** An instance that should run ended; true means that it is not to be launched again. */
  readonly replaced: (instance: Instance) => boolean;
}

const CONDITIONS: Partial<Record<TaskState, Condition>> = {
  TASK_STAGING: 'Staging',
  TASK_STARTING: 'Starting',
  TASK_RUNNING: 'Running',
  TASK_KILLING: 'Killing',
  TASK_UNREACHABLE: 'Unreachable',
};

/** Ends that slow the next launch down; kills and lost agents do not. */
const COUNTS: ReadonlySet<TaskState> = new Set(['TASK_FAILED', 'TASK_FINISHED']);

/** What Marathon does with the status updates that Mesos sends. */
export class Updates {
  /** Spec id -> its latest failure, as `lastTaskFailure` shows it. */
  readonly lastFailure = new Map<string, JsonObject>();
  readonly #deps: UpdatesDeps;

  constructor(deps: UpdatesDeps) {
    this.#deps = deps;
    deps.fleet.watch({ updated: (container, status) => this.#received(container, status) });
  }

  #received(container: Container, status: Status): void {
    const instance = this.#deps.instances.behind(container);
    if (!instance) this.#unknown(container, status);
    else {
      this.#tell(instance, container, status);
      if (isTerminal(status.state)) this.#ended(instance, container, status);
      else this.#moved(instance, container, status);
    }
  }

  /** Marathon ends what it does not know, once the agent reports it. */
  #unknown(container: Container, { state }: Status): void {
    if (isTerminal(state))
      this.#deps.events.publish('unknown_instance_terminated_event', {
        instanceId: container.order.instanceId,
        runSpecId: container.order.spec.id,
        condition: state.slice('TASK_'.length),
      });
    else if (state !== 'TASK_KILLING' && state !== 'TASK_UNREACHABLE')
      this.#deps.fleet.kill(container.task);
  }

  #moved(instance: Instance, container: Container, { state, atMs }: Status): void {
    instance.condition = CONDITIONS[state] ?? instance.condition;
    instance.changedMs = atMs;
    instance.addresses = container.addresses;
    if (state === 'TASK_RUNNING') this.#running(instance, atMs);
    if (state === 'TASK_UNREACHABLE') this.#lost(instance);
    if (state !== 'TASK_KILLING' && state !== 'TASK_UNREACHABLE')
      this.#deps.launcher.backoff.advanced(backoffKey(instance.spec), atMs);
    this.#deps.changed(instance);
  }

  #running(instance: Instance, atMs: number): void {
    instance.startedMs ??= atMs;
    this.#deps.launcher.gainToken();
    const { incarnation } = instance;
    // A goal that changed while the agent was away is carried out on its return.
    if (instance.goal === 'Decommissioned') this.#deps.instances.kill(instance);
    if (!instance.spec.hasHealthChecks || instance.healthy !== undefined) return;
    this.#deps.agenda.after(this.#deps.timing.healthMs, () => {
      if (instance.incarnation === incarnation && instance.condition === 'Running')
        this.judge(instance, true);
    });
  }

  /** A health check spoke. */
  judge(instance: Instance, healthy: boolean): void {
    if (instance.healthy === healthy) return;
    instance.healthy = healthy;
    this.#deps.events.publish('instance_health_changed_event', {
      instanceId: instance.id,
      runSpecId: instance.spec.id,
      healthy,
      runSpecVersion: instance.spec.version,
    });
    this.#deps.changed(instance);
  }

  #lost(instance: Instance): void {
    const rule = instance.spec.unreachable;
    if (rule === 'disabled') return;
    const { incarnation } = instance;
    const still = (then: () => void) => (): void => {
      const lost =
        instance.condition === 'Unreachable' || instance.condition === 'UnreachableInactive';
      if (lost && instance.incarnation === incarnation) then();
    };
    this.#deps.agenda.after(
      rule.inactiveAfter * 1000,
      still(() => {
        instance.condition = 'UnreachableInactive';
        this.#deps.changed(instance);
      }),
    );
    this.#deps.agenda.after(
      rule.expungeAfter * 1000,
      still(() => this.#deps.instances.expunge(instance)),
    );
  }

  #ended(instance: Instance, container: Container, status: Status): void {
    const failed = COUNTS.has(status.state);
    if (failed)
      this.#deps.launcher.backoff.failed(
        backoffKey(instance.spec),
        instance.spec.backoff,
        status.atMs,
      );
    if (status.state === 'TASK_FAILED') this.#remember(instance, container, status);
    if (instance.goal === 'Decommissioned' || this.#deps.replaced(instance)) {
      this.#deps.instances.expunge(instance);
      return;
    }
    const idle = {
      condition: 'Scheduled',
      lastEnd: status.state,
      healthy: undefined,
      addresses: [],
    };
    Object.assign(instance, { ...idle, changedMs: status.atMs });
    this.#deps.changed(instance);
  }

  #remember(
    instance: Instance,
    { task, order }: Container,
    { state, message, atMs }: Status,
  ): void {
    this.lastFailure.set(instance.spec.id, {
      appId: instance.spec.id,
      host: order.node.name,
      message,
      state,
      taskId: task,
      timestamp: new Date(atMs).toISOString(),
      version: instance.spec.version,
      slaveId: order.node.agentId,
    });
  }

  #tell(instance: Instance, { order, addresses }: Container, status: Status): void {
    for (const taskId of order.taskIds)
      this.#deps.events.publish('status_update_event', {
        slaveId: order.node.agentId,
        taskId,
        taskStatus: status.state,
        message: status.message,
        appId: instance.spec.id,
        host: order.node.name,
        ipAddresses: shownAddresses(addresses),
        ports: order.ports,
        version: instance.spec.version,
      });
  }
}

/** `[{ipAddress, protocol}]` as Marathon shows a task's addresses. */
export const shownAddresses = (addresses: readonly string[]): JsonObject[] =>
  addresses.map((ipAddress) => ({
    ipAddress,
    protocol: ipAddress.includes(':') ? 'IPv6' : 'IPv4',
  }));
