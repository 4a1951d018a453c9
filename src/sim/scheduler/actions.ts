import type { Spec } from '../specs/spec.ts';
import { type Instance, inKillOrder, isActive, isReady } from './instance.ts';
import type { Instances } from './instances.ts';
import type { PlannedAction } from './plan.ts';
import { replaceBudget } from './replace.ts';

/** One action of a deployment at work. `proceed` is called after every change of any instance. */
export interface RunningAction {
  readonly planned: PlannedAction;
  /** Does what can be done now; true once nothing is left to do. */
  proceed(): boolean;
}

const stop = (planned: PlannedAction, instances: Instances): RunningAction => {
  let begun = false;
  return {
    planned,
    proceed: () => {
      const left = instances.of(planned.spec.id);
      if (!begun) instances.decommission(left);
      begun = true;
      return instances.of(planned.spec.id).length === 0;
    },
  };
};

/** Ends what is too much, waits for its end, then adds what is missing and waits until it is up. */
const scale = (planned: PlannedAction, instances: Instances): RunningAction => {
  const { spec } = planned;
  return {
    planned,
    proceed: () => {
      const surplus = instances.of(spec.id).filter(isActive).length - spec.instances;
      if (surplus > 0)
        instances.decommission(
          inKillOrder(instances.of(spec.id).filter(isActive)).slice(0, surplus),
        );
      const all = instances.of(spec.id);
      if (all.some(({ goal }) => goal === 'Decommissioned')) return false;
      const missing = spec.instances - all.filter(isActive).length;
      if (missing > 0) instances.schedule(spec, missing);
      return instances.of(spec.id).filter(isReady).length >= spec.instances;
    },
  };
};

export const isOld = (instance: Instance, spec: Spec): boolean =>
  instance.spec.lastConfigChange !== spec.lastConfigChange;

/** Lost instances count as ended although they may run on. */
const isOver = ({ condition }: Instance): boolean =>
  condition === 'Unreachable' || condition === 'UnreachableInactive';

/** Replaces every old instance, a bounded number at a time. */
class Restart implements RunningAction {
  readonly planned: PlannedAction;
  readonly #instances: Instances;
  /** New instances whose readiness an old one has already paid for. */
  readonly #answered = new Set<string>();
  #capacity: number | undefined;

  constructor(planned: PlannedAction, instances: Instances) {
    this.planned = planned;
    this.#instances = instances;
  }

  proceed(): boolean {
    const { spec } = this.planned;
    const capacity = this.#capacity ?? this.#begin();
    this.#capacity = capacity;
    for (const { id } of this.#ready().filter((one) => !this.#answered.has(one.id))) {
      this.#answered.add(id);
      this.#killOld(1);
    }
    const started = this.#fresh().length;
    const room = capacity - this.#old().filter((one) => !isOver(one)).length - started;
    this.#instances.schedule(spec, Math.max(0, Math.min(spec.instances - started, room)));
    const up = this.#ready().length >= spec.instances;
    if (up) this.#killOld(Infinity);
    return up && this.#old().every(isOver);
  }

  #begin(): number {
    const { spec } = this.planned;
    for (const { id } of this.#ready()) this.#answered.add(id);
    const all = this.#instances.of(spec.id);
    const { killNow, capacity } = replaceBudget({
      wanted: spec.instances,
      all: all.length,
      healthy: all.filter(isReady).length,
      rule: spec.upgrade,
      resident: spec.resident,
    });
    this.#killOld(killNow);
    return capacity;
  }

  #old(): Instance[] {
    const { spec } = this.planned;
    return this.#instances.of(spec.id).filter((one) => isOld(one, spec));
  }

  #fresh(): Instance[] {
    const { spec } = this.planned;
    const all = this.#instances.of(spec.id);
    return all.filter((one) => !isOld(one, spec) && one.goal === 'Running');
  }

  #ready(): Instance[] {
    return this.#fresh().filter(isReady);
  }

  #killOld(count: number): void {
    const wanted = this.#old().filter(({ goal }) => goal === 'Running');
    this.#instances.decommission(inKillOrder(wanted).slice(0, count));
  }
}

/** What carries an action of a plan out. */
export const runAction = (planned: PlannedAction, instances: Instances): RunningAction => {
  switch (planned.kind) {
    case 'StopApplication':
      return stop(planned, instances);
    case 'ScaleApplication':
      return scale(planned, instances);
    case 'RestartApplication':
      return new Restart(planned, instances);
    case 'StartApplication':
      return { planned, proceed: () => true };
  }
};
