import { isDeepStrictEqual } from 'node:util';
import { type Drift, DRIFTS, driftSince } from '../../core/shape-drift.ts';
import type { Seen } from '../../core/shape-seen.ts';
import { isDoomed } from '../../core/shape-links.ts';
import type { Links } from '../../core/shape-read.ts';
import type { ShapeStep } from '../../core/shape-step.ts';
import { stepsTowards } from '../../core/shape-steps.ts';
import { wantedShape, type WantedShape } from '../../core/shape-wanted.ts';
import type { Kernel, Limit, Shape } from '../../core/shape.ts';
import type { Clock } from '../../plumbing/clock.ts';
import { KernelRefused } from './errors.ts';
import { Ahead, within } from './ahead.ts';
import { Finder } from './finder.ts';
import type { Hands } from './hands.ts';
import type { InForce } from './meter.ts';
import { probeKernel } from './probe.ts';
import type { Look, Reader } from './reader.ts';
import type { Fault, ShaperDeps, ShaperState, Wanted } from './shaper.ts';
import { unmetOf } from './unmet.ts';

interface Deps extends Pick<ShaperDeps, 'wanted' | 'log' | 'everyMs'> {
  readonly clock: Clock;
  readonly reader: Reader;
  readonly hands: Hands;
}

export interface Settled {
  readonly shape: Shape;
  readonly seen: Seen;
}

const DEFAULT_MTU = 1500;
const NOTHING: Seen = new Map();
/** Longest that what was done is not looked at while there is more to do, ms. */
const UNSEEN_MS = 3_000;

/** What is wanted, told in the words of the kernel. */
interface Told extends Pick<WantedShape, 'shape' | 'sharers'> {
  readonly limits: readonly Limit[];
  /** Limits that nothing can be tried for. */
  readonly faults: readonly Fault[];
}

interface Work {
  readonly told: Told;
  /** What is compared: all that is wanted, or what is on the interfaces of `only`. */
  readonly of: Shape;
  readonly look: Look;
  readonly only?: ReadonlySet<string>;
}

/**
 * Look, compare, act, look again. One at a time.
 *
 * A whole pass looks at everything, and so finds what others did. A quick one, between two whole ones,
 * looks only at interfaces whose limits are not those of the pass before, or which were made anew: with
 * 500 containers a new one then waits for two dumps instead of a thousand questions.
 */
export class Passes {
  readonly #deps: Deps;
  readonly #drift = new Map<Drift, number>();
  readonly #finder = new Finder();
  readonly #ahead = new Ahead();
  #aheadAtMs: number | undefined;
  #turn: Promise<void> = Promise.resolve();
  #wholeAtMs = -Infinity;
  #kernel: Kernel | undefined;
  #settled: Settled | undefined;
  #inForce: InForce = { limits: [], shape: new Map() };
  #faults: readonly Fault[] = [];
  #steps = 0;
  #refusal: KernelRefused | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Waits for the pass that runs, then runs a whole one. */
  settle(signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#whole(signal));
  }

  /** The same, but quick unless a whole one is due. */
  next(signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => {
      const { clock, everyMs } = this.#deps;
      const due = this.#wholeAtMs + everyMs <= clock.now();
      return this.#settled && !due ? this.#quick(this.#settled, signal) : this.#whole(signal);
    });
  }

  #inTurn(pass: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(pass);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Resolves when no pass runs. */
  async idle(): Promise<void> {
    await this.#turn;
  }

  /** What the last pass left undone; for the loop, which tries again. */
  refusal(): KernelRefused | undefined {
    return this.#refusal;
  }

  /** Something was done that was not looked at yet. */
  unseen(): boolean {
    return this.#ahead.names().size > 0;
  }

  inForce(): InForce {
    return this.#inForce;
  }

  state(): Omit<ShaperState, 'loop'> {
    const count = (drift: Drift): [Drift, number] => [drift, this.#drift.get(drift) ?? 0];
    return {
      ...(this.#kernel ? { kernel: this.#kernel } : {}),
      inForce: this.#inForce.limits.map(({ address }) => address),
      faults: this.#faults,
      drift: Object.fromEntries(DRIFTS.map(count)) as Record<Drift, number>,
      steps: this.#steps,
    };
  }

  async #whole(signal: AbortSignal): Promise<void> {
    const { reader, wanted, clock } = this.#deps;
    const asked = await wanted(signal);
    const atMs = clock.now();
    const look = await reader.look(signal);
    const told = await this.#toldOf(asked, look.links, signal);
    this.#noteDrift(look.seen);
    await this.#carryOut({ told, of: told.shape, look }, signal);
    this.#wholeAtMs = atMs;
  }

  async #quick(settled: Settled, signal: AbortSignal): Promise<void> {
    const { reader, wanted } = this.#deps;
    const asked = await wanted(signal);
    const before = await reader.links(signal);
    if ((await this.#atOnce(settled, { asked, links: before }, signal)) && this.#mayWait()) return;
    const told = await this.#toldOf(asked, before, signal);
    const done = this.#ahead.names();
    const changed = new Set([...done, ...changedSince(settled, told.shape, before)]);
    const { links, seen } =
      changed.size > 0
        ? await reader.look(signal, { only: changed })
        : { links: before, seen: NOTHING };
    const kept = [...settled.seen].filter(([name]) => !changed.has(name) && links.has(name));
    const look = { links, seen: new Map([...kept, ...seen]) };
    const work = { told, of: within(told.shape, changed), look, only: changed };
    await this.#carryOut(work, signal);
  }

  /**
   * What can be done before anybody is asked and anything is looked at: a new container must not wait for
   * either. It supposes that all is as it was left; where it is not, the look that follows shows it.
   *
   * @returns whether anything was to be done
   */
  async #atOnce(
    settled: Settled,
    { asked, links }: { readonly asked: Wanted; readonly links: Links },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { limits } = this.#finder.atOnce(asked.asks, links);
    const shape = this.#shapeOf(limits, asked, links)?.shape ?? new Map();
    const steps = this.#ahead.steps(settled, shape, links);
    await this.#deps.hands.carryOut(steps, links, signal);
    this.#steps += steps.length;
    if (steps.length > 0) this.#aheadAtMs ??= this.#deps.clock.now();
    return steps.length > 0;
  }

  /** Others may be waiting for their first limit: what was done is looked at when nobody is, but soon. */
  #mayWait(): boolean {
    return (this.#aheadAtMs ?? 0) + UNSEEN_MS > this.#deps.clock.now();
  }

  async #carryOut({ told, of, look, only }: Work, signal: AbortSignal): Promise<void> {
    const inScope = (seen: Seen): Seen => (only ? within(seen, only) : seen);
    const steps = stepsTowards(of, inScope(look.seen));
    const refused = await this.#deps.hands.carryOut(steps, look.links, signal);
    this.#steps += steps.length;
    const seen = await this.#readBack(steps, look, signal);
    const open = stepsTowards(of, inScope(seen));
    const classes = told.limits.map((limit) => inClassOf(limit, told.sharers));
    this.#faults = [...told.faults, ...unmetOf(classes, { open, refused, seen })];
    const failed = new Set(this.#faults.map(({ address }) => address));
    const limits = told.limits.filter(({ address }) => !failed.has(address));
    this.#inForce = { limits, shape: told.shape };
    this.#ahead.seen();
    this.#aheadAtMs = undefined;
    this.#settled = open.length === 0 ? { shape: told.shape, seen } : undefined;
    this.#refusal = open.length === 0 ? undefined : new KernelRefused(refused, open.length);
  }

  async #toldOf(wanted: Wanted, links: Links, signal: AbortSignal): Promise<Told> {
    this.#kernel ??= await probeKernel(signal);
    const { limits, faults } = await this.#finder.find(wanted.asks, links, signal);
    const told = this.#shapeOf(limits, wanted, links);
    const nothing = { shape: new Map(), sharers: new Map() };
    return { ...nothing, limits, ...told, faults: [...faults, ...(told?.faults ?? [])] };
  }

  /** Undefined until it is known what the kernel has. */
  #shapeOf(limits: readonly Limit[], { uplink }: Wanted, links: Links): WantedShape | undefined {
    const kernel = this.#kernel;
    const mtuOf = (name: string): number => links.get(name)?.mtu ?? DEFAULT_MTU;
    return kernel && wantedShape(limits, { uplink, kernel, mtuOf });
  }

  #noteDrift(seen: Seen): void {
    if (!this.#settled) return;
    const { log } = this.#deps;
    for (const { link, drift } of driftSince(this.#settled.shape, this.#settled.seen, seen)) {
      this.#drift.set(drift, (this.#drift.get(drift) ?? 0) + 1);
      log.warn('somebody else changed the bandwidth of an interface', { link, drift });
    }
  }

  /** What the kernel shows after the steps: only what they touched is asked for again. */
  async #readBack(steps: readonly ShapeStep[], look: Look, signal: AbortSignal): Promise<Seen> {
    if (steps.length === 0) return look.seen;
    const touched = new Set(steps.map(({ link }) => link));
    const { seen } = await this.#deps.reader.look(signal, { only: touched });
    const kept = [...look.seen].filter(([name]) => !touched.has(name));
    return new Map([...kept, ...seen]);
  }
}

/** A second address of an interface stands or falls with the first. */
const inClassOf = (limit: Limit, sharers: WantedShape['sharers']): Limit => ({
  ...limit,
  classMinor: sharers.get(limit.address)?.classMinor ?? limit.classMinor,
});

/** Interfaces that should have something else than before, and those that are others by the same name. */
function changedSince({ shape, seen }: Settled, wanted: Shape, links: Links): ReadonlySet<string> {
  const names = [...new Set([...shape.keys(), ...wanted.keys()])];
  const changed = names.filter(
    (name) =>
      links.get(name)?.index !== seen.get(name)?.index ||
      !isDeepStrictEqual(shape.get(name), wanted.get(name)),
  );
  // Who goes as a group must know who is in it.
  const doomed = [...links.values()].filter(isDoomed).map(({ name }) => name);
  return new Set(changed.length === 0 ? [] : [...changed, ...doomed]);
}
