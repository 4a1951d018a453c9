import { setTimeout as wait } from 'node:timers/promises';

/** Time as an argument, so that tests and the simulated cluster can hold it still. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    signal.throwIfAborted();
    await wait(ms, undefined, { signal }).catch((fault: unknown) => {
      throw signal.aborted ? signal.reason : fault;
    });
  },
};
