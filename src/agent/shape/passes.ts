import { isDeepStrictEqual } from 'node:util';
import type { Seen } from '../../core/shape-seen.ts';
import { isDoomed } from '../../core/shape-links.ts';
import type { Links } from '../../core/shape-read.ts';
import type { ShapeStep } from '../../core/shape-step.ts';
import { stepsTowards } from '../../core/shape-steps.ts';
import type { Limit } from '../../core/shape.ts';
import type { Clock } from '../../plumbing/clock.ts';
import { Drifts } from './drifts.ts';
import { KernelRefused } from './errors.ts';
import type { Hands, Refused } from './hands.ts';
import type { InForce } from './meter.ts';
import type { Ports } from './ports.ts';
import type { Look, Reader } from './reader.ts';
import type { Fault, ShaperDeps, ShaperState } from './shaper-deps.ts';
import type { Ask } from './asks.ts';
import { Standing, within } from './standing.ts';
import { type Told, Telling } from './telling.ts';
import { inClassOf, stands, unmetOf } from './unmet.ts';

interface Deps extends Pick<ShaperDeps, 'wanted' | 'wantedNow' | 'log' | 'everyMs'> {
  readonly clock: Clock;
  readonly reader: Reader;
  readonly hands: Hands;
  readonly ports: Ports;
}

const NOTHING: Seen = new Map();
/** Quick looks that follow one another closely are that far apart, ms: they take CPU that a rush needs. */
const LOOK_EVERY_MS = 500;

/** A look, and what it was for. */
interface Looked {
  readonly look: Look;
  /** Standing's mark from before it: what was done since is not compared with it. */
  readonly mark: number;
  /** These interfaces and no others. */
  readonly only?: ReadonlySet<string>;
  /** Containers that were not found. */
  readonly lost: readonly Fault[];
}

/** What was done after a look, and for which interfaces. */
interface Done {
  readonly told: Told;
  readonly steps: readonly ShapeStep[];
  readonly refused: readonly Refused[];
  readonly left: ReadonlySet<string>;
  readonly mark: number;
}

interface Outcome {
  /** Steps that would still be needed. */
  readonly open: readonly ShapeStep[];
  readonly refused: readonly Refused[];
  /** Interfaces that were looked at and compared. */
  readonly scope: ReadonlySet<string>;
}

/**
 * Look, compare, act, look again. One at a time.
 *
 * A whole pass looks at everything, and so finds what others did. A quick one, between two whole ones,
 * looks only at interfaces whose limits are not those of the pass before, or which were made anew: with
 * 500 containers a new one then waits for two dumps instead of a thousand questions.
 *
 * Nobody waits for a look to be limited: `hurry` does what can be done without one, also while one is
 * being taken. So a pass acts on what is wanted at the moment of acting, and leaves alone what was done
 * since its look began.
 */
export class Passes {
  readonly #deps: Deps;
  readonly #drifts: Drifts;
  readonly #telling: Telling;
  readonly #standing = new Standing();
  #turn: Promise<void> = Promise.resolve();
  #acting: Promise<unknown> = Promise.resolve();
  #wholeAtMs = -Infinity;
  #quickAtMs = -Infinity;
  #links: Links | undefined;
  /** Everything was looked at once. */
  #compared = false;
  /** The last pass left nothing undone. */
  #settled = false;
  #inForce: InForce = { limits: [], shape: new Map() };
  #judged: readonly Ask[] = [];
  #verified: readonly Limit[] = [];
  #faults: readonly Fault[] = [];
  #steps = 0;
  #refusal: KernelRefused | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#telling = new Telling(deps);
    this.#drifts = new Drifts(deps.log);
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
      return this.#settled && !due ? this.#quick(signal) : this.#whole(signal);
    });
  }

  /** Does what can be done now, before anything is looked at; what others did meanwhile a look finds. */
  hurry(signal: AbortSignal): Promise<void> {
    return this.#alone(async () => {
      const links = this.#linksNow();
      if (!links || !this.#compared) return;
      const { shape } = this.#telling.tell(links);
      await this.#act(this.#standing.steps(shape, links), { shape, links }, signal);
    });
  }

  /** Looks for those that have started just now, and puts right whose port was whose. */
  async meet(signal: AbortSignal): Promise<void> {
    const links = this.#linksNow();
    if (!links || !this.#compared) return;
    const strangers = this.#telling.strangers(links);
    if (strangers.length === 0) return;
    const now = await this.#deps.reader.links(signal);
    this.#listed(now);
    await this.#telling.learn({ asks: strangers }, now, signal);
    await this.hurry(signal);
  }

  #inTurn(pass: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(pass);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Whoever changes the kernel decides and acts without another one in between. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#acting.then(act);
    this.#acting = done.catch(() => undefined);
    return done;
  }

  /** Resolves when no pass runs. */
  async idle(): Promise<void> {
    await this.#turn;
    await this.#acting;
  }

  /** What the last pass left undone; for the loop, which tries again. */
  refusal(): KernelRefused | undefined {
    return this.#refusal;
  }

  /** Something was done that was not looked at yet. */
  unseen(): boolean {
    return this.#standing.unseen().size > 0;
  }

  inForce(): InForce {
    return this.#inForce;
  }

  /** What the last pass was about, as it was wanted then. */
  judged(): readonly Ask[] {
    return this.#judged;
  }

  state(): Omit<ShaperState, 'loop'> {
    const { kernel } = this.#telling;
    return {
      ...(kernel ? { kernel } : {}),
      inForce: this.#verified.map(({ address }) => address),
      faults: this.#faults,
      drift: this.#drifts.counts(),
      steps: this.#steps,
    };
  }

  async #whole(signal: AbortSignal): Promise<void> {
    const { reader, clock } = this.#deps;
    const asked = await this.#telling.ask(signal);
    const [atMs, mark] = [clock.now(), this.#standing.mark()];
    const look = await reader.look(signal);
    this.#listed(look.links);
    const lost = await this.#telling.learn(asked, look.links, signal);
    this.#drifts.note(this.#standing, look.seen);
    await this.#compare({ look, mark, lost }, signal);
    this.#wholeAtMs = atMs;
  }

  async #quick(signal: AbortSignal): Promise<void> {
    const { reader, clock } = this.#deps;
    const asked = await this.#telling.ask(signal);
    await this.hurry(signal);
    const restMs = this.#quickAtMs + LOOK_EVERY_MS - clock.now();
    if (restMs > 0) await clock.sleep(restMs, signal);
    const mark = this.#standing.mark();
    const before = await reader.links(signal);
    this.#listed(before);
    const lost = await this.#telling.learn(asked, before, signal);
    const only = this.#changed(before);
    const { links, seen } =
      only.size > 0 ? await reader.look(signal, { only }) : { links: before, seen: NOTHING };
    this.#listed(links);
    await this.#compare({ look: { links, seen }, mark, only, lost }, signal);
    this.#quickAtMs = clock.now();
  }

  #linksNow(): Links | undefined {
    return this.#links && this.#deps.ports.over(this.#links);
  }

  #listed(links: Links): void {
    this.#links = links;
    this.#deps.ports.listed(links);
  }

  async #compare(looked: Looked, signal: AbortSignal): Promise<void> {
    const { look, only } = looked;
    const done = await this.#alone(() => this.#actOn(looked, signal));
    const { told, steps, refused, left, mark } = done;
    const back = await this.#readBack(steps, look, signal);
    const later = this.#standing.unseen(mark);
    const leave = new Set([...left, ...later]);
    const names =
      only ?? new Set([...told.shape.keys(), ...back.keys(), ...this.#standing.seen.keys()]);
    const scope = new Set([...names].filter((name) => !leave.has(name)));
    const seen = within(back, scope);
    const open = stepsTowards(within(told.shape, scope), seen);
    this.#standing.looked({
      ...{ names: scope, shape: told.shape, seen },
      open: new Set(open.map(({ link }) => link)),
    });
    this.#compared ||= only === undefined;
    this.#conclude(told, { open, refused, scope });
  }

  /** Not to be waited for by others for longer than the steps take. */
  async #actOn({ look, mark, only, lost }: Looked, signal: AbortSignal): Promise<Done> {
    const links = this.#deps.ports.over(look.links);
    const told = this.#telling.tell(links, lost);
    const left = this.#standing.unseen(mark);
    const inScope = <T>(all: ReadonlyMap<string, T>): Map<string, T> =>
      new Map([...all].filter(([name]) => !left.has(name) && (only?.has(name) ?? true)));
    const steps = stepsTowards(inScope(told.shape), inScope(look.seen));
    const refused = await this.#act(steps, { shape: told.shape, links }, signal);
    return { told, steps, refused, left, mark: this.#standing.mark() };
  }

  async #act(
    steps: readonly ShapeStep[],
    state: Pick<Told, 'shape'> & { readonly links: Links },
    signal: AbortSignal,
  ): Promise<readonly Refused[]> {
    if (steps.length === 0) return [];
    let doubtful = new Set(steps.map(({ link }) => link));
    try {
      const refused = await this.#deps.hands.carryOut(steps, state.links, signal);
      doubtful = new Set(refused.map(({ step }) => step.link));
      return refused;
    } finally {
      this.#steps += steps.length;
      this.#standing.acted(steps, state, doubtful);
    }
  }

  #conclude(told: Told, { open, refused, scope }: Outcome): void {
    const { seen, shape } = this.#standing;
    const classes = told.limits.map((limit) => inClassOf(limit, told.sharers));
    const known = classes.filter(({ hostInterface: at }) => seen.has(at) || scope.has(at));
    this.#faults = [...told.faults, ...unmetOf(known, { open, refused, seen })];
    const failed = new Set(this.#faults.map(({ address }) => address));
    const limits = told.limits.filter(({ address }) => !failed.has(address));
    this.#judged = told.asks;
    const stood = new Set(
      classes.flatMap((one) => (stands(one, { shape, wanted: told.shape }) ? one.address : [])),
    );
    this.#verified = limits.filter(({ address }) => stood.has(address));
    this.#inForce = { limits, shape: told.shape };
    this.#settled = open.length === 0;
    this.#refusal = open.length === 0 ? undefined : new KernelRefused(refused, open.length);
  }

  /** Interfaces that should have something else than was found there, and others by the same name. */
  #changed(links: Links): ReadonlySet<string> {
    const { shape, seen } = this.#standing;
    const { shape: wanted } = this.#telling.tell(links);
    const names = [...new Set([...shape.keys(), ...wanted.keys()])];
    const changed = names.filter(
      (name) =>
        links.get(name)?.index !== seen.get(name)?.index ||
        !isDeepStrictEqual(shape.get(name), wanted.get(name)),
    );
    const all = new Set([...changed, ...this.#standing.unseen()]);
    // Who goes as a group must know who is in it.
    if (all.size > 0) for (const link of links.values()) if (isDoomed(link)) all.add(link.name);
    return all;
  }

  /** What the kernel shows after the steps: only what they touched is asked for again. */
  async #readBack(steps: readonly ShapeStep[], look: Look, signal: AbortSignal): Promise<Seen> {
    if (steps.length === 0) return look.seen;
    const touched = new Set(steps.map(({ link }) => link));
    const { links, seen } = await this.#deps.reader.look(signal, { only: touched });
    this.#listed(links);
    const kept = [...look.seen].filter(([name]) => !touched.has(name));
    return new Map([...kept, ...seen]);
  }
}
