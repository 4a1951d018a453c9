import type { Agenda } from '../agenda.ts';
import { Backoff } from '../backoff.ts';
import type { Chance } from '../chance.ts';
import type { Fleet } from '../fleet.ts';
import { minus } from '../nodes.ts';
import type { Offer, Offers } from '../offers.ts';
import type { Resources, Spec } from '../specs/spec.ts';
import { backoffKey } from '../specs/spec.ts';
import { type Instance, taskIdsOf } from './instance.ts';
import type { Instances } from './instances.ts';
import { matchOffer } from './match.ts';
import { QueueStats } from './queue-stats.ts';

export interface LauncherDeps {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly fleet: Fleet;
  readonly offers: Offers;
  readonly instances: Instances;
  /** The configuration that a spec id stands for now. */
  readonly specOf: (id: string) => Spec | undefined;
  /** A replacement is under way that will end this instance instead of launching it again. */
  readonly isHeld: (instance: Instance) => boolean;
  readonly masterRegion: string | undefined;
  readonly maxPerOffer: number;
  readonly changed: (instance: Instance) => void;
}

/** Launches allowed per window, and the length of the window, ms. */
const TOKENS = 100;
const TOKEN_WINDOW_MS = 30_000;
const SWEEP_MS = 10_000;

export interface Waiting {
  readonly spec: Spec;
  readonly instances: readonly Instance[];
}

/** The launch queue: what waits, what slows it down, and which offers it uses. */
export class Launcher {
  readonly backoff = new Backoff();
  readonly #deps: LauncherDeps;
  readonly #stats = new Map<string, QueueStats>();
  readonly #wakes = new Map<string, () => void>();
  #tokens = TOKENS;

  constructor(deps: LauncherDeps) {
    this.#deps = deps;
    deps.agenda.every(TOKEN_WINDOW_MS, () => this.#refill(TOKENS));
    deps.agenda.every(SWEEP_MS, () => this.backoff.sweep(deps.agenda.now()));
  }

  /** Specs with instances that wait for a launch. */
  waiting(): Waiting[] {
    const groups = new Map<string, Instance[]>();
    for (const instance of this.#deps.instances.all())
      if (instance.condition === 'Scheduled' && !this.#deps.isHeld(instance))
        groups.set(instance.spec.id, [...(groups.get(instance.spec.id) ?? []), instance]);
    return [...groups].flatMap(([id, instances]) => {
      const spec = this.#deps.specOf(id);
      return spec ? [{ spec, instances }] : [];
    });
  }

  /** It is not backed off. */
  mayStart(spec: Spec): boolean {
    return this.backoff.left(backoffKey(spec), this.#deps.agenda.now()) === 0;
  }

  statsOf(spec: Spec): QueueStats {
    const key = backoffKey(spec);
    const stats = this.#stats.get(key) ?? new QueueStats(this.#deps.agenda.now());
    this.#stats.set(key, stats);
    return stats;
  }

  /** Something became launchable or will be: asks for offers at that moment. */
  poke(): void {
    for (const { spec } of this.waiting()) {
      this.statsOf(spec);
      const left = this.backoff.left(backoffKey(spec), this.#deps.agenda.now());
      if (left === 0) this.#deps.offers.revive();
      else this.#wakeIn(spec, left);
    }
  }

  /** One instance came up: a launch more is allowed in this window. */
  gainToken(): void {
    this.#refill(this.#tokens + 1);
  }

  /** Launches what an offer can carry; false means that it was declined. */
  answer(offer: Offer): boolean {
    let room = offer.resources;
    let used = 0;
    const ports = this.#deps.fleet.usedPorts(offer.node);
    const queue = this.#deps.chance.shuffled(this.#ready());
    for (let spec = queue.shift(); spec && this.#mayLaunch(used); spec = queue.shift()) {
      const launched = this.#tryOne(spec, offer, room, ports);
      if (!launched) continue;
      room = minus(room, spec.resources);
      for (const port of launched) ports.add(port);
      used += 1;
      if (this.#ready().includes(spec)) queue.push(spec);
    }
    return used > 0;
  }

  /** Offers declined for want of a token are asked for again. */
  #refill(tokens: number): void {
    const dry = this.#tokens <= 0;
    this.#tokens = tokens;
    if (dry) this.poke();
  }

  #mayLaunch(used: number): boolean {
    return used < this.#deps.maxPerOffer && this.#tokens > 0;
  }

  #ready(): Spec[] {
    return this.waiting()
      .map(({ spec }) => spec)
      .filter((spec) => this.mayStart(spec));
  }

  #tryOne(
    spec: Spec,
    offer: Offer,
    room: Resources,
    usedPorts: ReadonlySet<number>,
  ): readonly number[] | undefined {
    const { agenda, chance, instances, masterRegion } = this.#deps;
    const { node } = offer;
    const found = matchOffer(
      { spec, node, room, usedPorts, instances: instances.of(spec.id), masterRegion },
      chance,
    );
    const stats = this.statsOf(spec);
    if (!found.ok) {
      stats.refused(node, found.reason, agenda.now());
      return undefined;
    }
    stats.used(agenda.now());
    const next = this.waiting().find((one) => one.spec === spec)?.instances[0];
    if (next) this.#launch(next, spec, offer, found.ports);
    return found.ports;
  }

  #launch(instance: Instance, spec: Spec, { node }: Offer, ports: readonly number[]): void {
    const now = this.#deps.agenda.now();
    const incarnation = instance.incarnation + 1;
    instance.spec = spec;
    const taskIds = taskIdsOf(instance, incarnation);
    const fresh = { addresses: [], stagedMs: now, startedMs: undefined, healthy: undefined };
    Object.assign(instance, {
      ...fresh,
      condition: 'Provisioned',
      incarnation,
      node,
      taskIds,
      ports,
      changedMs: now,
    });
    this.#tokens -= 1;
    this.backoff.advanced(backoffKey(spec), now);
    this.#deps.changed(instance);
    this.#deps.fleet.launch({ instanceId: instance.id, incarnation, spec, node, taskIds, ports });
    this.poke();
  }

  #wakeIn(spec: Spec, ms: number): void {
    const key = backoffKey(spec);
    this.#wakes.get(key)?.();
    this.#wakes.set(
      key,
      this.#deps.agenda.after(ms, () => {
        this.#wakes.delete(key);
        this.poke();
      }),
    );
  }
}
