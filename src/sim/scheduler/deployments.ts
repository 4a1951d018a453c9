import type { EventBus } from '../events.ts';
import type { JsonObject } from '../json.ts';
import { locked, notFound } from '../errors.ts';
import { type RunningAction, isOld, runAction } from './actions.ts';
import type { Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import type { PlannedAction, PlannedStep } from './plan.ts';
import type { Root } from './root.ts';

/** A plan on its way. `before` and `after` are the roots it leads from and to. */
export interface Deployment {
  readonly id: string;
  readonly version: string;
  readonly before: Root;
  readonly after: Root;
  readonly steps: readonly PlannedStep[];
  /** Index of the step at work, from 0. */
  current: number;
  actions: readonly RunningAction[];
}

export interface Plan {
  readonly before: Root;
  readonly after: Root;
  readonly steps: readonly PlannedStep[];
  readonly stored: () => void;
}

export interface DeploymentsDeps {
  readonly events: EventBus;
  readonly instances: Instances;
  readonly uuid: () => string;
  /** A spec is gone for good. */
  readonly stopped: (id: string) => void;
}

export const affectedOf = (
  { steps }: Pick<Deployment, 'steps'>,
  kind?: 'app' | 'pod',
): string[] => [
  ...new Set(
    steps.flatMap((step) =>
      step
        .filter(({ spec }) => kind === undefined || spec.kind === kind)
        .map(({ spec }) => spec.id),
    ),
  ),
];

const shownAction = ({ kind, spec }: PlannedAction): JsonObject => ({
  action: kind,
  [spec.kind]: spec.id,
});

export const shownSteps = (steps: readonly PlannedStep[]): JsonObject[] =>
  steps.map((step) => ({ actions: step.map(shownAction) }));

/** As GET /v2/deployments lists it. */
export const shownDeployment = (deployment: Deployment): JsonObject => ({
  id: deployment.id,
  version: deployment.version,
  affectedApps: affectedOf(deployment, 'app'),
  affectedPods: affectedOf(deployment, 'pod'),
  steps: shownSteps(deployment.steps),
  currentActions: (deployment.steps[deployment.current] ?? []).map((action) => ({
    ...shownAction(action),
    readinessCheckResults: [],
  })),
  currentStep: deployment.current + 1,
  totalSteps: deployment.steps.length,
});

const shownPlan = ({ id, version, steps }: Deployment): JsonObject => ({
  id,
  steps: shownSteps(steps),
  version,
});

/** Deployments under way; no two of them touch the same app or pod. */
export class Deployments {
  readonly #running = new Map<string, Deployment>();
  readonly #deps: DeploymentsDeps;

  constructor(deps: DeploymentsDeps) {
    this.#deps = deps;
  }

  all(): Deployment[] {
    return [...this.#running.values()];
  }

  /** @throws ApiRefusal 404 */
  get(id: string): Deployment {
    const found = this.#running.get(id);
    if (!found) throw notFound(`DeploymentPlan ${id}`);
    return found;
  }

  of(specId: string): Deployment[] {
    return this.all().filter((deployment) => affectedOf(deployment).includes(specId));
  }

  /** Whether a replacement under way means to end this instance. */
  isReplaced(instance: Instance): boolean {
    return this.of(instance.spec.id).some(({ actions }) =>
      actions.some(
        ({ planned: { kind, spec } }) =>
          kind === 'RestartApplication' && spec.id === instance.spec.id && isOld(instance, spec),
      ),
    );
  }

  /**
   * @param plan   where it leads from and to; `stored` is called once nothing stands in the way
   * @throws ApiRefusal 409 when a deployment holds one of the ids and `force` is not given
   */
  start({ before, after, steps, stored }: Plan, force: boolean): Deployment {
    const ids = new Set(affectedOf({ steps }));
    const rivals = this.all().filter((one) => affectedOf(one).some((id) => ids.has(id)));
    if (rivals.length > 0 && !force) throw locked(rivals.map(({ id }) => id));
    for (const rival of rivals) this.cancel(rival);
    stored();
    const { version } = after;
    const deployment: Deployment = {
      id: this.#deps.uuid(), version, before, after, steps, current: -1, actions: [],
    }; // prettier-ignore
    this.#running.set(deployment.id, deployment);
    this.#nextStep(deployment);
    return deployment;
  }

  /** Stops a deployment where it is. */
  cancel(deployment: Deployment): void {
    if (!this.#running.delete(deployment.id)) return;
    this.#tell('deployment_failed', deployment, { reason: 'The deployment was cancelled' });
  }

  /** Lets every deployment do what it can now. */
  proceed(): void {
    for (const deployment of this.all()) {
      const done = deployment.actions.map((action) => action.proceed());
      if (this.#running.has(deployment.id) && done.every(Boolean)) this.#stepDone(deployment);
    }
  }

  #stepDone(deployment: Deployment): void {
    if (deployment.current >= 0) {
      this.#tell('deployment_step_success', deployment, { currentStep: this.#stepOf(deployment) });
      for (const { planned } of deployment.actions)
        if (planned.kind === 'StopApplication') this.#deps.stopped(planned.spec.id);
    }
    this.#nextStep(deployment);
  }

  #nextStep(deployment: Deployment): void {
    deployment.current += 1;
    const step = deployment.steps[deployment.current];
    if (!step) {
      this.#running.delete(deployment.id);
      this.#tell('deployment_success', deployment, {});
      return;
    }
    deployment.actions = step.map((planned) => runAction(planned, this.#deps.instances));
    this.#tell('deployment_info', deployment, { currentStep: this.#stepOf(deployment) });
    const done = deployment.actions.map((action) => action.proceed());
    if (done.every(Boolean)) this.#stepDone(deployment);
  }

  #stepOf({ steps, current }: Deployment): JsonObject {
    return { actions: (steps[current] ?? []).map(shownAction) };
  }

  #tell(type: string, deployment: Deployment, more: JsonObject): void {
    const id =
      type === 'deployment_success' || type === 'deployment_failed' ? { id: deployment.id } : {};
    this.#deps.events.publish(type, { ...id, plan: shownPlan(deployment), ...more });
  }
}
