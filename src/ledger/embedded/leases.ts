import { setMaxListeners } from 'node:events';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { Clock } from '../../plumbing/clock.ts';
import { HoldingLost } from '../errors.ts';

interface Deps {
  readonly clock: Clock;
  /** Drops the holding's keys. */
  readonly end: (id: string, signal: AbortSignal) => Promise<void>;
}

/**
 * The life of holdings. One of this process lives as long as the store is open; one of a client, or of the
 * process before, ends its TTL after it was last kept.
 */
export class Leases {
  readonly #deps: Deps;
  readonly #closing = new AbortController();
  /** Client's holdings: the TTL and what stops the timer that runs. */
  readonly #timed = new Map<string, { ttlMs: number; stop: AbortController }>();
  readonly #own = new Map<string, AbortController>();

  constructor(deps: Deps) {
    this.#deps = deps;
    setMaxListeners(0, this.#closing.signal);
  }

  /** A holding of this process. @returns its `lost` */
  own(id: string): AbortSignal {
    const lost = new AbortController();
    setMaxListeners(0, lost.signal);
    this.#own.set(id, lost);
    return lost.signal;
  }

  /** A holding that must be kept. */
  start(id: string, ttlMs: number): void {
    this.#timed.get(id)?.stop.abort();
    const stop = new AbortController();
    this.#timed.set(id, { ttlMs, stop });
    this.#deps.clock.sleep(ttlMs, stop.signal).then(
      () => this.#over(id, stop).catch(() => undefined),
      () => undefined,
    );
  }

  /** A process that stood still finds the time up before it reads who was in time: it reads first. */
  async #over(id: string, stop: AbortController): Promise<void> {
    await endOfTurn();
    if (this.#timed.get(id)?.stop === stop) await this.#deps.end(id, this.#closing.signal);
  }

  keep(id: string): boolean {
    const timed = this.#timed.get(id);
    if (timed) this.start(id, timed.ttlMs);
    return timed !== undefined;
  }

  /** `lost` fires before a key goes. */
  forget(id: string): void {
    this.#timed.get(id)?.stop.abort();
    this.#timed.delete(id);
    this.#own.get(id)?.abort(new HoldingLost(id));
    this.#own.delete(id);
  }

  close(): void {
    this.#closing.abort();
    for (const id of [...this.#timed.keys(), ...this.#own.keys()]) this.forget(id);
  }
}
