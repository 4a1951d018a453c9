import type { Chance } from '../chance.ts';
import type { Container } from '../container.ts';
import type { Fleet } from '../fleet.ts';
import type { Spec } from '../specs/spec.ts';
import { type Condition, type Instance, createInstance, inKillOrder } from './instance.ts';

export interface InstancesDeps {
  readonly fleet: Fleet;
  readonly chance: Chance;
  readonly now: () => number;
  readonly changed: (instance: Instance, shows?: string) => void;
}

/** Nothing will ever report the end of these. */
const GONE_AT_ONCE: ReadonlySet<Condition> = new Set([
  'Scheduled',
  'Unreachable',
  'UnreachableInactive',
]);

/** Every instance that Marathon has on record. */
export class Instances {
  readonly #all = new Map<string, Instance>();
  readonly #deps: InstancesDeps;

  constructor(deps: InstancesDeps) {
    this.#deps = deps;
  }

  all(): Instance[] {
    return [...this.#all.values()];
  }

  of(specId: string): Instance[] {
    return this.all().filter(({ spec }) => spec.id === specId);
  }

  get(id: string): Instance | undefined {
    return this.#all.get(id);
  }

  /** The instance whose present launch a container belongs to. */
  behind({ order }: Container): Instance | undefined {
    const instance = this.#all.get(order.instanceId);
    return instance?.incarnation === order.incarnation ? instance : undefined;
  }

  /** The instance with a task or instance id. */
  withTask(id: string): Instance | undefined {
    return this.all().find((one) => one.id === id || one.taskIds.includes(id));
  }

  schedule(spec: Spec, count: number): void {
    for (let index = 0; index < count; index += 1) {
      const instance = createInstance(spec, this.#deps.chance.uuid(), this.#deps.now());
      this.#all.set(instance.id, instance);
      this.#deps.changed(instance);
    }
  }

  /** Ends instances for good; those without a task are gone at once. */
  decommission(instances: readonly Instance[]): void {
    for (const instance of inKillOrder(instances)) {
      instance.goal = 'Decommissioned';
      this.kill(instance);
      if (GONE_AT_ONCE.has(instance.condition)) this.expunge(instance);
    }
  }

  /** Ends the task; an instance that should run is launched again. */
  kill(instance: Instance): void {
    if (instance.condition === 'Scheduled') return;
    const [task] = instance.taskIds;
    if (task !== undefined) this.#deps.fleet.kill(task);
  }

  /** Forgets an instance, whatever still runs. */
  expunge(instance: Instance): void {
    if (this.#all.delete(instance.id)) this.#deps.changed(instance, 'Gone');
  }
}
