import { setMaxListeners } from 'node:events';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../src/plumbing/clock.ts';
import type { Chance } from '../../src/sim/chance.ts';
import { seededChance } from '../../src/sim/chance.ts';

/** One run of one process. Once it is over, nothing that it waited for ever reaches it. */
export interface Life {
  readonly name: string;
  readonly over: boolean;
  /** Who sees it end, as whoever is connected to it does. */
  readonly onEnd: Set<() => void>;
  end(): void;
}

interface Event {
  readonly atMs: number;
  /** Decides between events of one millisecond. */
  readonly tie: number;
  readonly what: string;
  readonly act: () => void | Promise<void>;
}

/** Most lines of what happened that are kept for a failing seed. */
const TRACED = 20_000;

/**
 * Everything that happens, one event after the other, on a virtual clock. Equal seeds give equal runs:
 * nothing here or in what is run on it may wait for anything but the world (no timers, no disk, no net);
 * between two events all promises that can go on have gone on.
 */
export class World {
  readonly chance: Chance;
  readonly trace: string[] = [];
  #nowMs = Date.UTC(2030, 0, 1);
  readonly #startMs = this.#nowMs;
  #events: Event[] = [];
  /** Sleeps that listen to a signal. */
  readonly #listening = new Set<() => void>();
  #happened = 0;
  #wake: (() => void) | undefined;
  #fault: Error | undefined;

  constructor(readonly seed: number) {
    this.chance = seededChance(seed);
  }

  now = (): number => this.#nowMs;

  /** How many events there were. */
  get happened(): number {
    return this.#happened;
  }

  /** Something will happen in `ms`. @returns what calls it off */
  after(ms: number, what: string, act: Event['act']): () => void {
    const atMs = this.#nowMs + Math.max(0, Math.ceil(ms));
    const event = { atMs, tie: this.chance.next(), what, act };
    this.#events.push(event);
    this.#wake?.();
    return () => {
      this.#events = this.#events.filter((one) => one !== event);
    };
  }

  /** Ends the run with the fault; the first one counts. */
  fail(fault: unknown): void {
    this.#fault ??= fault instanceof Error ? fault : new Error(String(fault));
  }

  say(what: string): void {
    if (this.trace.length >= TRACED) this.trace.splice(0, TRACED / 2);
    this.trace.push(`${String(this.#nowMs - this.#startMs).padStart(9)} ${what}`);
  }

  live(name: string): Life {
    const life = {
      name,
      over: false,
      onEnd: new Set<() => void>(),
      end: () => {
        if (life.over) return;
        life.over = true;
        this.say(`${name} is killed`);
        for (const tell of [...life.onEnd]) tell();
      },
    };
    return life;
  }

  /** The clock as one process sees it: its sleeps end with it. */
  clockOf(life: Pick<Life, 'name' | 'over'>): Clock {
    return {
      now: this.now,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (life.over) return;
          signal.throwIfAborted();
          const callOff = this.after(ms, `${life.name} wakes`, () => {
            deafen();
            if (!life.over) resolve();
          });
          const deafen = () => {
            signal.removeEventListener('abort', stop);
            this.#listening.delete(deafen);
          };
          const stop = () => {
            this.#listening.delete(deafen);
            callOff();
            if (!life.over) reject(signal.reason as Error);
          };
          setMaxListeners(0, signal); // many sleep on one signal
          signal.addEventListener('abort', stop, { once: true });
          this.#listening.add(deafen);
        }),
    };
  }

  /** A short while, mostly; now and then a long one. */
  latency(longestMs: number): number {
    const { chance } = this;
    if (chance.next() < 0.9) return chance.between(0, 3);
    return chance.next() < 0.8 ? chance.between(0, 50) : chance.between(0, longestMs);
  }

  /**
   * Lets things happen until `done` has settled.
   *
   * @throws what `fail` was told, at once; when nothing is left to happen, or it takes more than `most` events: something hangs
   */
  async run<T>(done: Promise<T>, most = 1_000_000): Promise<T> {
    let settled = false;
    const watched = done.finally(() => {
      settled = true;
      for (const deafen of this.#listening) deafen(); // a signal may live longer than this world
    });
    watched.catch(() => undefined);
    const last = this.#happened + most;
    for (;;) {
      await settledTurn();
      if (this.#fault) throw this.#fault;
      if (settled) return watched;
      const event = this.#next();
      if (!event) throw new Error('nothing is left to happen, and something still waits');
      if (this.#happened > last) throw new Error(`still not done after ${most} events`);
      await this.#happen(event);
    }
  }

  /**
   * Lets things happen as they come, until the signal is aborted, a second in a twentieth of one: for
   * tests that know no seed and have timers of their own.
   */
  async roll(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake?.());
    while (!signal.aborted) {
      await settledTurn();
      const event = this.#next();
      if (event) {
        const gapMs = event.atMs - this.#nowMs;
        if (gapMs > 100) await wait(gapMs / 20);
        await this.#happen(event);
      } else await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }

  async #happen({ atMs, what, act }: Event): Promise<void> {
    this.#nowMs = Math.max(this.#nowMs, atMs);
    this.#happened += 1;
    if (what !== '') this.say(what);
    await act();
  }

  #next(): Event | undefined {
    let first: Event | undefined;
    for (const event of this.#events)
      if (!first || event.atMs < first.atMs || (event.atMs === first.atMs && event.tie < first.tie))
        first = event;
    if (first) this.#events.splice(this.#events.indexOf(first), 1);
    return first;
  }
}

/** A desk that has answered waits for the end of the turn before it goes on. */
async function settledTurn(): Promise<void> {
  await turn();
  await turn();
}
