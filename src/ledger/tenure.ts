import { setMaxListeners } from 'node:events';
import type { Clock } from '../plumbing/clock.ts';
import { HoldingLost } from './errors.ts';

const PAUSE_MS = 100;
const MOST_MARGIN_MS = 1_000;
/** Longest that one keep-alive may take, ms, unless a third of the TTL is less. */
const KEEP_WITHIN_MS = 1_000;

/**
 * How long we may take a holding for ours: TTL less a margin, counted from the moment the last answered
 * keep-alive was *sent*. Runs by timers, not by comparing times of day, which may be set back.
 */
export class Tenure {
  readonly lost: AbortSignal;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #losing = new AbortController();
  /** Stops the deadline in force. */
  #deadline: AbortController | undefined;

  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.lost = this.#losing.signal;
    setMaxListeners(0, this.lost);
  }

  /** Starts the deadline; call it before the backend is asked for the holding. */
  begin(): void {
    this.#deadline?.abort();
    this.#deadline = this.#newDeadline();
  }

  /** Keeps the holding alive until it is lost. @param keep resolves to false when it is gone */
  keepBy(keep: (withinMs: number) => Promise<boolean>): void {
    this.#keep(keep).catch(() => undefined);
  }

  lose(id = ''): void {
    this.#deadline?.abort();
    this.#losing.abort(new HoldingLost(id));
  }

  async #keep(keep: (withinMs: number) => Promise<boolean>): Promise<void> {
    for (;;) {
      await this.#clock.sleep(this.#ttlMs / 3, this.lost);
      while (!(await this.#keptOnce(keep))) await this.#clock.sleep(PAUSE_MS, this.lost);
    }
  }

  async #keptOnce(keep: (withinMs: number) => Promise<boolean>): Promise<boolean> {
    const before = this.#deadline;
    const next = this.#newDeadline();
    try {
      const lives = await keep(Math.min(KEEP_WITHIN_MS, this.#ttlMs / 3));
      before?.abort();
      this.#deadline = next;
      if (!lives || this.lost.aborted) this.lose();
      return true;
    } catch {
      next.abort();
      return false;
    }
  }

  #newDeadline(): AbortController {
    const stop = new AbortController();
    const ms = this.#ttlMs - Math.min(MOST_MARGIN_MS, this.#ttlMs / 4);
    this.#clock.sleep(ms, stop.signal).then(
      () => {
        this.lose();
      },
      () => undefined,
    );
    return stop;
  }
}
