import { setMaxListeners } from 'node:events';
import type { Decide, Settled } from './transact-all.ts';

export interface Asked<Result> {
  readonly decide: Decide<Result>;
  /** What to do in case this was done after nobody waited for it any more. */
  readonly undo?: Decide<unknown> | undefined;
  /** Called once it is settled for good, and undone if need be. */
  readonly closed?: (() => void) | undefined;
}

/** One decision of a queue, and who waits for it. */
export interface Job extends Asked<unknown> {
  /** Absent for an errand of the queue's own, which goes on until it is done. */
  readonly waiter?: Waiter;
}

/** Somebody who waits for a decision until a signal takes them away. */
export class Waiter {
  readonly #resolve: (result: unknown) => void;
  readonly #reject: (fault: unknown) => void;
  readonly #signal: AbortSignal;
  readonly #stop: () => void;
  gone = false;
  /** Called when the waiter goes. */
  onGone: () => void = () => undefined;

  private constructor(
    signal: AbortSignal,
    resolve: (result: unknown) => void,
    reject: (fault: unknown) => void,
  ) {
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#stop = () => {
      this.gone = true;
      reject(signal.reason);
      this.onGone();
    };
    setMaxListeners(0, signal); // many wait on one signal, which is no leak
    signal.addEventListener('abort', this.#stop, { once: true });
  }

  /** @throws the signal's reason; what `tell` is given */
  static for<Result>(signal: AbortSignal, hire: (waiter: Waiter) => void): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      hire(new Waiter(signal, (result) => resolve(result as Result), reject));
    });
  }

  tell(settled: Settled<unknown>): void {
    this.#signal.removeEventListener('abort', this.#stop);
    if ('fault' in settled) this.#reject(settled.fault);
    else this.#resolve(settled.result);
  }

  /** The decision, unless nobody waits for it any more. */
  caring(decide: Decide<unknown>): Decide<unknown> {
    return (read) => {
      if (this.gone) return Promise.reject(this.#signal.reason as Error);
      return decide(read);
    };
  }
}

/** Aborted when the last of those who wait has gone, before that one hears of it. */
export function whenAllGone(waiters: readonly Waiter[], tell: () => void): AbortSignal {
  const over = new AbortController();
  let left = waiters.length;
  for (const waiter of waiters)
    waiter.onGone = () => {
      left -= 1;
      if (left > 0) return;
      tell();
      over.abort(new Error('nobody waits for the commit any more'));
    };
  return over.signal;
}
