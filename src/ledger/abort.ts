import { setMaxListeners } from 'node:events';
import type { Clock } from '../plumbing/clock.ts';

/**
 * The promise's outcome, or the signal's reason when that comes first; what was begun goes on unseen.
 * Many calls may wait on one signal, which is no leak, so Node's warning about it is switched off.
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined);
    return Promise.reject(signal.reason as Error);
  }
  setMaxListeners(0, signal);
  return new Promise<T>((resolve, reject) => {
    const stop = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop);
    });
  });
}

/** Resolves when the signal is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Aborted with the first of the signals. `drop` lets go of them; AbortSignal.any cannot. */
export function eitherSignal(...signals: readonly AbortSignal[]): {
  readonly signal: AbortSignal;
  readonly drop: () => void;
} {
  const both = new AbortController();
  const stops = signals.map((signal) => {
    const stop = () => {
      both.abort(signal.reason);
    };
    if (signal.aborted) stop();
    setMaxListeners(0, signal);
    signal.addEventListener('abort', stop, { once: true });
    return () => {
      signal.removeEventListener('abort', stop);
    };
  });
  return { signal: both.signal, drop: () => stops.forEach((stop) => stop()) };
}

/**
 * What `task` comes to, given at most `ms`; its signal is aborted when the time is up or `signal` is.
 *
 * @throws what `late` makes when the time is up, the signal's reason, what the task throws
 */
export async function within<T>(
  limit: { readonly clock: Clock; readonly ms: number; readonly late: () => Error },
  task: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  const over = new AbortController();
  const timer = new AbortController();
  limit.clock.sleep(limit.ms, timer.signal).then(
    () => {
      over.abort(limit.late());
    },
    () => undefined,
  );
  const either = eitherSignal(signal, over.signal);
  try {
    return await unlessAborted(task(either.signal), either.signal);
  } finally {
    timer.abort();
    either.drop();
  }
}
