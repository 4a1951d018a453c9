/**
 * Lets one piece of work through at a time, in order of arrival. Verdicts of one gate go through it, so
 * that they do not race each other for the admission sequence; other gates are met in the ledger.
 */
export interface Turnstile {
  /** @throws the signal's reason when it is aborted while waiting; what `work` throws */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Those waiting and the one inside. */
  readonly length: number;
}

export function createTurnstile(): Turnstile {
  let last: Promise<unknown> = Promise.resolve();
  let length = 0;
  return {
    run(work, signal) {
      length += 1;
      const turn = last.then(() => {
        signal.throwIfAborted();
        return work();
      });
      last = turn.then(
        () => (length -= 1),
        () => (length -= 1),
      );
      return turn;
    },
    get length() {
      return length;
    },
  };
}
