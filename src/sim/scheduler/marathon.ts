import type { Agenda } from '../agenda.ts';
import type { Chance } from '../chance.ts';
import { ApiRefusal } from '../errors.ts';
import type { EventBus } from '../events.ts';
import type { Fleet } from '../fleet.ts';
import type { Offers } from '../offers.ts';
import { backoffKey, type Spec } from '../specs/spec.ts';
import type { Timing } from '../timing.ts';
import { type Deployment, Deployments } from './deployments.ts';
import { History } from './history.ts';
import { type Instance, inKillOrder, isActive } from './instance.ts';
import { Instances } from './instances.ts';
import { Launcher } from './launcher.ts';
import { planSteps } from './plan.ts';
import type { Root } from './root.ts';
import { revertedRoot } from './revert.ts';
import { Updates } from './updates.ts';

export interface MarathonDeps {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly fleet: Fleet;
  readonly offers: Offers;
  readonly events: EventBus;
  readonly timing: Timing;
  readonly names: {
    readonly defaultNetwork: string | undefined;
    readonly masterRegion: string | undefined;
  };
}

export const BRIDGE_NAME = 'mesos-bridge';
export const MAX_PER_OFFER = 5;
const MAX_DEPLOYMENTS = 100;
const TIMEOUT_CHECK_MS = 5000;
const LAUNCHING: ReadonlySet<string> = new Set(['Provisioned', 'Staging', 'Starting']);

/** The pretend Marathon without its HTTP: what it was told, what it believes, what it does next. */
export class Marathon {
  readonly instances: Instances;
  readonly launcher: Launcher;
  readonly updates: Updates;
  readonly deployments: Deployments;
  readonly history: History;
  readonly #deps: MarathonDeps;
  #busy = false;
  #dirty = false;

  constructor(deps: MarathonDeps) {
    this.#deps = deps;
    const { agenda, chance, fleet, offers, events, timing } = deps;
    const changed = (instance: Instance, shows?: string): void => this.#changed(instance, shows);
    this.history = new History(() => agenda.now());
    this.instances = new Instances({ fleet, chance, now: () => agenda.now(), changed });
    const { instances } = this;
    this.deployments = new Deployments({
      events,
      instances,
      uuid: () => chance.uuid(),
      stopped: (id) => events.publish('app_terminated_event', { appId: id }),
    });
    this.launcher = new Launcher({
      agenda, chance, fleet, offers, instances, changed,
      specOf: (id) => this.root.specs.get(id),
      isHeld: (instance) => this.deployments.isReplaced(instance),
      masterRegion: deps.names.masterRegion,
      maxPerOffer: MAX_PER_OFFER,
    }); // prettier-ignore
    const { launcher } = this;
    const replaced = (instance: Instance): boolean => this.deployments.isReplaced(instance);
    this.updates = new Updates({
      agenda,
      fleet,
      events,
      instances,
      launcher,
      timing,
      changed,
      replaced,
    });
    agenda.every(timing.scaleCheckMs, () => this.#scaleCheckAll());
    agenda.every(TIMEOUT_CHECK_MS, () => this.#killStuck());
  }

  get root(): Root {
    return this.history.root;
  }

  get names(): { defaultNetwork: string | undefined; bridge: string } {
    return { defaultNetwork: this.#deps.names.defaultNetwork, bridge: BRIDGE_NAME };
  }

  get events(): EventBus {
    return this.#deps.events;
  }

  /**
   * Stores a new root and starts on it.
   *
   * @param first  done after the refusals and before the first step
   * @throws ApiRefusal 409 when a running deployment is in the way, 403 when too many run
   */
  change(after: Root, force: boolean, first: () => void = () => undefined): Deployment {
    const before = this.root;
    const steps = planSteps(before, after);
    if (this.deployments.all().length >= MAX_DEPLOYMENTS && !force)
      throw new ApiRefusal(403, {
        message: `Max number (${MAX_DEPLOYMENTS}) of running deployments is achieved. Wait for existing deployments to complete or cancel one.`,
      });
    const stored = (): void => {
      this.history.store(after);
      first();
    };
    const deployment = this.#quietly(() =>
      this.deployments.start({ before, after, steps, stored }, force),
    );
    this.events.publish('group_change_success', { groupId: '/', version: after.version });
    return deployment;
  }

  /** Undoes a deployment by a new forced one; its version is that of the process start. */
  revert(deployment: Deployment): Deployment {
    return this.change(revertedRoot(deployment, this.root, this.history), true);
  }

  /** Ends tasks; instances that stay wanted are launched again. */
  killTasks(instances: readonly Instance[], wipe: boolean): void {
    this.#quietly(() => {
      for (const instance of instances) {
        if (wipe) instance.goal = 'Decommissioned';
        this.instances.kill(instance);
        if (wipe) this.instances.expunge(instance);
      }
    });
  }

  /** Lets an app launch at once again. */
  resetDelay(spec: Spec): void {
    this.launcher.backoff.reset(backoffKey(spec));
    this.#settle();
  }

  #changed(instance: Instance, shows?: string): void {
    this.events.publish('instance_changed_event', {
      instanceId: instance.id,
      condition: shows ?? instance.condition,
      runSpecId: instance.spec.id,
      agentId: instance.node?.agentId ?? null,
      host: instance.node?.name ?? null,
      runSpecVersion: instance.spec.version,
    });
    this.#settle();
    const lost = shows === 'Gone' || instance.condition === 'UnreachableInactive';
    if (lost) this.#deps.agenda.after(0, () => this.#scaleCheck(instance.spec.id));
  }

  /** One change at a time: what a reaction changes is looked at after that reaction. */
  #settle(): void {
    this.#dirty = true;
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let turn = 0; this.#takeDirty() && turn < MAX_TURNS; turn += 1) {
        this.deployments.proceed();
        this.launcher.poke();
      }
    } finally {
      this.#busy = false;
    }
  }

  #takeDirty(): boolean {
    const was = this.#dirty;
    this.#dirty = false;
    return was;
  }

  #quietly<T>(work: () => T): T {
    const outer = this.#busy;
    this.#busy = true;
    try {
      return work();
    } finally {
      this.#busy = outer;
      this.#settle();
    }
  }

  #scaleCheckAll(): void {
    for (const id of this.root.specs.keys()) this.#scaleCheck(id);
  }

  /** Fills up or thins out a spec that no deployment works on. */
  #scaleCheck(id: string): void {
    const spec = this.root.specs.get(id);
    if (!spec || this.deployments.of(id).length > 0) return;
    const active = this.instances.of(id).filter(isActive);
    const missing = spec.instances - active.length;
    this.#quietly(() => {
      if (missing > 0) this.instances.schedule(spec, missing);
      else this.instances.decommission(inKillOrder(active).slice(0, -missing));
    });
  }

  #killStuck(): void {
    const since = this.#deps.agenda.now() - this.#deps.timing.launchTimeoutMs;
    for (const instance of this.instances.all())
      if (LAUNCHING.has(instance.condition) && (instance.stagedMs ?? Infinity) < since)
        this.instances.kill(instance);
  }
}

/** Far more turns than any cascade needs; a bug must not hang the process. */
const MAX_TURNS = 10_000;
