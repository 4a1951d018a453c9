import type { Seen } from '../../core/shape-seen.ts';
import type { Links } from '../../core/shape-read.ts';
import type { ShapeStep } from '../../core/shape-step.ts';
import { stepsTowards } from '../../core/shape-steps.ts';
import type { Clock } from '../../plumbing/clock.ts';
import { type Conclusion, conclude, NOTHING_KNOWN } from './conclusion.ts';
import { Drifts } from './drifts.ts';
import type { Hands, Refused } from './hands.ts';
import { OneByOne } from './one-by-one.ts';
import type { Ports } from './ports.ts';
import type { Look, Reader } from './reader.ts';
import type { Fault, ShaperDeps, ShaperState } from './shaper-deps.ts';
import { Standing, within } from './standing.ts';
import { type Told, Telling } from './telling.ts';

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
  readonly #looking = new OneByOne();
  /** Whoever changes the kernel decides and acts without another one in between. */
  readonly #acting = new OneByOne();
  #wholeAtMs = -Infinity;
  #quickAtMs = -Infinity;
  #links: Links | undefined;
  /** Everything was looked at once. */
  #compared = false;
  #concluded = NOTHING_KNOWN;
  #steps = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#telling = new Telling(deps);
    this.#drifts = new Drifts(deps.log);
  }

  /** Waits for the pass that runs, then runs a whole one. */
  settle(signal: AbortSignal): Promise<void> {
    return this.#looking.run(() => this.#whole(signal));
  }

  /** The same, but quick unless a whole one is due. */
  next(signal: AbortSignal): Promise<void> {
    return this.#looking.run(() => {
      const { clock, everyMs } = this.#deps;
      const due = this.#wholeAtMs + everyMs <= clock.now();
      return this.#concluded.settled && !due ? this.#quick(signal) : this.#whole(signal);
    });
  }

  /** Does what can be done now, before anything is looked at; what others did meanwhile a look finds. */
  hurry(signal: AbortSignal): Promise<void> {
    return this.#acting.run(async () => {
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

  /** Resolves when no pass runs. */
  async idle(): Promise<void> {
    await this.#looking.idle();
    await this.#acting.idle();
  }

  /** What the last pass came to. */
  concluded(): Conclusion {
    return this.#concluded;
  }

  /** Something was done that was not looked at yet. */
  unseen(): boolean {
    return this.#standing.unseen().size > 0;
  }

  state(): Omit<ShaperState, 'loop'> {
    const { kernel } = this.#telling;
    return {
      ...(kernel ? { kernel } : {}),
      inForce: this.#concluded.verified.map(({ address }) => address),
      faults: this.#concluded.faults,
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
    const only = this.#standing.changed(before, this.#telling.tell(before).shape);
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
    const done = await this.#acting.run(() => this.#actOn(looked, signal));
    const { told, steps, refused, left, mark } = done;
    const back = await this.#readBack(steps, look, signal);
    const later = this.#standing.unseen(mark);
    const leave = new Set([...left, ...later]);
    const names =
      only ?? new Set([...told.shape.keys(), ...back.keys(), ...this.#standing.known()]);
    const scope = new Set([...names].filter((name) => !leave.has(name)));
    const seen = within(back, scope);
    const open = stepsTowards(within(told.shape, scope), seen);
    this.#standing.looked({
      ...{ names: scope, shape: told.shape, seen },
      open: new Set(open.map(({ link }) => link)),
    });
    this.#compared ||= only === undefined;
    this.#concluded = conclude(told, { open, refused, scope }, this.#standing);
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
