import { Refusal } from '../core/errors.ts';
import type { Clock } from '../plumbing/clock.ts';
import { LedgerBusy, LedgerUnreachable } from './errors.ts';
import { Overlay } from './overlay.ts';
import type { Read, Store } from './store.ts';
import type { Decision } from './transact.ts';

export type Decide<Result> = (read: Read) => Promise<Decision<Result>>;

/** What became of one of several decisions. */
export type Settled<Result> = { readonly result: Result } | { readonly fault: unknown };

export interface TransactAllOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Times a lost race is decided anew; default 64. */
  readonly attempts?: number;
  /** In [0, 1); spreads the pauses of rivals apart. Without it the pauses are equal. */
  readonly chance?: () => number;
}

const ATTEMPTS = 64;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 40;

/**
 * Makes as many of the decisions as one commit holds, in order, each on top of those before it, and
 * commits them together. One that refuses is settled by its refusal and spoils none of the others.
 *
 * @returns at least one, settled; those beyond its length were not tried
 * @throws LedgerBusy, LedgerUnreachable, the signal's reason: none was made
 */
export async function transactAll<Result>(
  store: Store,
  decides: readonly Decide<Result>[],
  options: TransactAllOptions,
): Promise<readonly Settled<Result>[]> {
  const { signal, attempts = ATTEMPTS, clock, chance = () => 1 } = options;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    signal.throwIfAborted();
    const overlay = new Overlay(store);
    const settled = await decideAll(overlay, decides);
    const change = overlay.change();
    if (change.writes.length === 0) return settled;
    if (!overlay.torn && (await store.commit(change, signal)).won) return settled;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 10));
    await clock.sleep(longest * chance(), signal);
  }
  throw new LedgerBusy(attempts);
}

async function decideAll<Result>(
  overlay: Overlay,
  decides: readonly Decide<Result>[],
): Promise<Settled<Result>[]> {
  const settled: Settled<Result>[] = [];
  for (const decide of decides) {
    const one = await decided(overlay, decide);
    if ('fault' in one) settled.push(one);
    else if (settled.length > 0 && !overlay.holds(one)) break;
    else {
      overlay.add(one);
      settled.push({ result: one.result });
    }
  }
  return settled;
}

/** What is wrong with the ledger is everyone's fault; what is wrong with an ask is that ask's. */
async function decided<Result>(
  read: Read,
  decide: Decide<Result>,
): Promise<Decision<Result> | { readonly fault: unknown }> {
  try {
    return await decide(read);
  } catch (fault) {
    if (fault instanceof Refusal && !(fault instanceof LedgerUnreachable)) return { fault };
    throw fault;
  }
}
