import { type Drift, DRIFTS, driftSince } from '../../core/shape-drift.ts';
import type { Seen } from '../../core/shape-seen.ts';
import type { ShapeStep } from '../../core/shape-step.ts';
import { stepsTowards } from '../../core/shape-steps.ts';
import { wantedShape } from '../../core/shape-wanted.ts';
import {
  ifbOf,
  type Kernel,
  type Limit,
  LINK_MINOR,
  type Shape,
  SHARED_IN,
  SHARED_OUT,
} from '../../core/shape.ts';
import { Refusal } from '../../core/errors.ts';
import { KernelRefused } from './errors.ts';
import type { Hands, Refused } from './hands.ts';
import { hostInterfaceOf } from './host-interface.ts';
import type { InForce } from './meter.ts';
import { probeKernel } from './probe.ts';
import type { Look, Reader } from './reader.ts';
import type { Ask, Fault, ShaperDeps, ShaperState } from './shaper.ts';

interface Deps extends Pick<ShaperDeps, 'wanted' | 'log'> {
  readonly reader: Reader;
  readonly hands: Hands;
}

interface Settled {
  readonly shape: Shape;
  readonly seen: Seen;
}

const DEFAULT_MTU = 1500;

/** Look, compare, act, look again. One at a time. */
export class Passes {
  readonly #deps: Deps;
  readonly #drift = new Map<Drift, number>();
  #turn: Promise<void> = Promise.resolve();
  #kernel: Kernel | undefined;
  #settled: Settled | undefined;
  #inForce: InForce = { limits: [], shape: new Map() };
  #faults: readonly Fault[] = [];
  #steps = 0;
  #refusal: KernelRefused | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Waits for the pass that runs, then runs one. */
  settle(signal: AbortSignal): Promise<void> {
    const done = this.#turn.then(() => this.#pass(signal));
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

  async #pass(signal: AbortSignal): Promise<void> {
    const { reader, hands, wanted } = this.#deps;
    const { asks, uplink } = await wanted(signal);
    const kernel = (this.#kernel ??= await probeKernel(signal));
    const look = await reader.look(signal);
    const { limits, faults } = await this.#found(asks, look, signal);
    const mtuOf = (name: string): number => look.links.get(name)?.mtu ?? DEFAULT_MTU;
    const told = wantedShape(limits, { uplink, kernel, mtuOf });
    this.#noteDrift(look.seen);
    const steps = stepsTowards(told.shape, look.seen);
    const refused = await hands.carryOut(steps, look.links, signal);
    this.#steps += steps.length;
    const seen = await this.#readBack(steps, look, signal);
    const open = stepsTowards(told.shape, seen);
    const unmet = unmetOf(limits, open, refused);
    this.#faults = [...faults, ...told.faults, ...unmet];
    const failed = new Set(this.#faults.map(({ address }) => address));
    this.#inForce = {
      limits: limits.filter(({ address }) => !failed.has(address)),
      shape: told.shape,
    };
    this.#settled = open.length === 0 ? { shape: told.shape, seen } : undefined;
    this.#refusal = open.length === 0 ? undefined : new KernelRefused(refused, open.length);
  }

  async #found(
    asks: readonly Ask[],
    look: Look,
    signal: AbortSignal,
  ): Promise<{ readonly limits: readonly Limit[]; readonly faults: readonly Fault[] }> {
    const found = await Promise.all(asks.map((ask) => this.#foundOne(ask, look, signal)));
    return {
      limits: found.flatMap((one) => ('says' in one ? [] : one)),
      faults: found.flatMap((one) => ('says' in one ? one : [])),
    };
  }

  async #foundOne(
    { at, ...rest }: Ask,
    { links }: Look,
    signal: AbortSignal,
  ): Promise<Limit | Fault> {
    const { address } = rest;
    try {
      const hostInterface =
        'hostInterface' in at
          ? at.hostInterface
          : await hostInterfaceOf({ ...at, address }, links, signal);
      if (links.has(hostInterface)) return { ...rest, hostInterface };
      return { address, says: `interface "${hostInterface}" is gone` };
    } catch (fault: unknown) {
      if (!(fault instanceof Refusal)) throw fault;
      return { address, says: fault.message };
    }
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
    const { seen } = await this.#deps.reader.look(signal, touched);
    const kept = [...look.seen].filter(([name]) => !touched.has(name));
    return new Map([...kept, ...seen]);
  }
}

/** Limits that the kernel does not show as they are wanted, each with the first reason known. */
function unmetOf(
  limits: readonly Limit[],
  open: readonly ShapeStep[],
  refused: readonly Refused[],
): readonly Fault[] {
  return limits.flatMap((limit) => {
    const { address } = limit;
    if (!open.some((step) => concerns(step, limit))) return [];
    const reason = refused.find(({ step }) => concerns(step, limit));
    const says = reason
      ? `the kernel refused "${reason.line}": ${reason.says}`
      : 'the kernel does not show what was asked of it';
    return [{ address, says }];
  });
}

/** A step on an interface of its own, on its class of a shared tree, or on what that tree rests on. */
function concerns(step: ShapeStep, { hostInterface, classMinor }: Limit): boolean {
  if (step.link === hostInterface || step.link === ifbOf(classMinor)) return true;
  if (step.link !== SHARED_IN && step.link !== SHARED_OUT) return false;
  if (step.do === 'sort') return step.sorting.minor === classMinor;
  return 'minor' in step
    ? step.minor === classMinor || step.minor === LINK_MINOR
    : RESTS_ON.has(step.do);
}

const RESTS_ON: ReadonlySet<ShapeStep['do']> = new Set(['make-ifb', 'raise-ifb', 'set-root']);
