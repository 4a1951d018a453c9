import type { Clock } from '../plumbing/clock.ts';
import { LedgerBusy, LedgerClosed, LedgerRefused, LedgerUnreachable } from './errors.ts';
import { Overlay } from './overlay.ts';
import type { Change, Read, Store } from './store.ts';
import type { Decision } from './transact.ts';

export type Decide<Result> = (read: Read) => Promise<Decision<Result>>;

/** What became of one of several decisions. */
export type Settled<Result> = { readonly result: Result } | { readonly fault: unknown };

export interface TransactAllOptions {
  /** Of the whole; each decision brings its own for what it reads. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Times a lost race is decided anew; default 64. */
  readonly attempts?: number;
  /** In [0, 1); spreads the pauses of rivals apart. Without it the pauses are equal. */
  readonly chance?: () => number;
  /** What earlier transactions found; kept by this one. */
  readonly pace?: Pace;
  /**
   * Asked before something is settled that no commit vouches for, such as a refusal. True: it rested on
   * old reads, which are forgotten now, so all is decided anew.
   */
  readonly recheck?: () => boolean;
}

/**
 * How crowded it is: the longest pause after a lost race is some times what the try took from reading to
 * commit, in which a rival may come between, and the more so the higher the level. A loss raises it, a win
 * lowers it, so that rivals settle where about every other try wins, however many they are and however slow
 * the ledger is.
 */
export interface Pace {
  level: number;
  /** What a try takes at most, ms, of late: one that meets a batch about to be written takes far less. */
  tookMs: number;
}

const ATTEMPTS = 64;
/** Found with 2 to 64 rivals for one key (test/bench/allocate): shorter pauses cost tries, longer ones time. */
const FIRST_PAUSE = 1.5;
const GROWTH = 1.5;
const FADING = 0.75;
/** Some hundred rivals for one key. */
const HIGHEST_LEVEL = 7;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Makes as many of the decisions as one commit holds, in order, each on top of those before it, and
 * commits them together. One that fails is settled by its fault and spoils none of the others. A
 * decision to write nothing is vouched for by its guards in the same commit.
 *
 * @returns at least one, settled; those beyond its length were not tried
 * @throws LedgerBusy: none was made. LedgerUnreachable, the signal's reason: if a commit was under way,
 *         all or none of them
 */
export async function transactAll<Result>(
  store: Pick<Store, 'get' | 'range' | 'commit'>,
  decides: readonly Decide<Result>[],
  options: TransactAllOptions,
): Promise<readonly Settled<Result>[]> {
  const {
    signal,
    attempts = ATTEMPTS,
    recheck = () => false,
    pace = { level: 0, tookMs: 0 },
  } = options;
  const { clock, chance = () => 1 } = options;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const begunMs = clock.now();
    const overlay = new Overlay(store);
    const { settled, bare } = await decideAll(overlay, decides, signal);
    if (bare && recheck()) continue;
    if (await isMade(store, overlay, signal)) {
      pace.level = Math.max(0, pace.level - 1);
      return settled;
    }
    pace.tookMs = Math.max(1, clock.now() - begunMs, pace.tookMs * FADING);
    const longestMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE * GROWTH ** pace.level * pace.tookMs);
    await clock.sleep(longestMs * chance(), signal);
    pace.level = Math.min(HIGHEST_LEVEL, pace.level + 1);
  }
  throw new LedgerBusy(attempts);
}

async function isMade(
  store: Pick<Store, 'commit'>,
  overlay: Overlay,
  signal: AbortSignal,
): Promise<boolean> {
  const change = overlay.change();
  if (change.writes.length + change.guards.length === 0) return true;
  return !overlay.torn && (await store.commit(change, signal)).won;
}

/** `bare`: something is about to be settled that no commit would vouch for. */
interface Decided<Result> {
  readonly settled: readonly Settled<Result>[];
  readonly bare: boolean;
}

async function decideAll<Result>(
  overlay: Overlay,
  decides: readonly Decide<Result>[],
  signal: AbortSignal,
): Promise<Decided<Result>> {
  const settled: Settled<Result>[] = [];
  let bare = false;
  for (const decide of decides) {
    const one = await decided(overlay, decide, signal);
    if ('fault' in one) settled.push(one);
    else if (settled.length > 0 && !overlay.holds(one)) break;
    else {
      overlay.add(one);
      settled.push({ result: one.result });
    }
    bare ||= 'fault' in one || isBare(one);
  }
  return { settled, bare };
}

const isBare = ({ guards, writes }: Change): boolean => guards.length + writes.length === 0;

/** What is wrong with the ledger is everyone's fault; what is wrong with an ask is that ask's. */
async function decided<Result>(
  read: Read,
  decide: Decide<Result>,
  signal: AbortSignal,
): Promise<Decision<Result> | { readonly fault: unknown }> {
  signal.throwIfAborted();
  try {
    return await decide(read);
  } catch (fault) {
    signal.throwIfAborted();
    if (OF_THE_LEDGER.some((kind) => fault instanceof kind)) throw fault;
    return { fault };
  }
}

const OF_THE_LEDGER = [LedgerUnreachable, LedgerRefused, LedgerClosed] as const;
