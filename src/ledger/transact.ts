import type { Clock } from '../plumbing/clock.ts';
import { LedgerBusy } from './errors.ts';
import type { Change, Read, Store } from './store.ts';

/** What `decide` made of what it read. Without writes nothing is committed. */
export interface Decision<Result> extends Change {
  readonly result: Result;
}

export interface TransactOptions {
  readonly signal: AbortSignal;
  /** Times a lost race is decided anew; default 5. */
  readonly attempts?: number;
  /** Without a clock there is no pause between attempts. */
  readonly clock?: Clock;
  /** In [0, 1); spreads the pauses of rivals apart. Without it the pauses are equal. */
  readonly chance?: () => number;
}

const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;

/**
 * Reads, decides and commits under the decision's guards, or starts over. `decide` may run many times,
 * so it touches nothing but `read`. Rivals must collide on a key that both write or that one guards
 * and the other writes. What `decide` throws passes through.
 *
 * @throws LedgerBusy once every attempt lost its race
 */
export async function transact<Result>(
  store: Store,
  decide: (read: Read) => Promise<Decision<Result>>,
  options: TransactOptions,
): Promise<Result> {
  const { signal, attempts = ATTEMPTS } = options;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    signal.throwIfAborted();
    const { result, guards, writes } = await decide(store);
    if (writes.length === 0) return result;
    const { won } = await store.commit({ guards, writes }, signal);
    if (won) return result;
    if (attempt < attempts) await pause(attempt, options);
  }
  throw new LedgerBusy(attempts);
}

async function pause(attempt: number, options: TransactOptions): Promise<void> {
  const { clock, chance = () => 1, signal } = options;
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 10));
  await clock?.sleep(Math.ceil(longest * chance()), signal);
}
