import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { eitherSignal } from './abort.ts';
import { Compacted, HoldingLost, LedgerUnreachable } from './errors.ts';
import { keys } from './keys.ts';
import type { Guard, Holding, Read, Revision, Store } from './store.ts';

export interface ElectionDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ElectionOptions {
  readonly name: string;
  /** How long after a leader's death another takes over, ms; whole seconds. */
  readonly ttlMs: number;
  /** Written under the key, for people to see who leads. */
  readonly candidate?: string;
}

/** What a leader may rest on. */
export interface Term {
  /** Grows with every term; no two leaders have the same. */
  readonly revision: Revision;
  /** Put among a commit's guards, it lets the commit win only while this term lasts. */
  readonly fence: Guard;
}

/** Whether somebody leads the election of that name now. @throws LedgerUnreachable */
export async function isLed(read: Read, name: string, signal: AbortSignal): Promise<boolean> {
  return (await read.get(keys.election(name), signal)) !== undefined;
}

/**
 * How old the last word of the ledger on a term may be when something is done that no guard of a commit
 * protects. Well below any election's TTL, so that nobody else can have been elected meanwhile.
 */
export const TRUST_MS = 2_000;

/** Of a clock that is never set and runs on while the process is stopped, ms. */
export type SteadyMs = () => number;

/**
 * Whether a term lasts still, to be asked right before something is done that no commit guards. A process
 * that was stopped meanwhile and wakes up may hear what it asked for before it hears that its term is over:
 * it finds the answer too old.
 *
 * @throws LedgerUnreachable; the signal's reason
 */
export async function stillLeads(
  { store, steadyMs }: { readonly store: Read; readonly steadyMs: SteadyMs },
  { fence }: Pick<Term, 'fence'>,
  signal: AbortSignal,
): Promise<boolean> {
  const askedMs = steadyMs();
  const entry = await store.get(fence.key, signal);
  signal.throwIfAborted();
  return entry?.revision === fence.revision && steadyMs() - askedMs < TRUST_MS;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** The undoing of a term has its own clock. */
const RESIGN_WITHIN_MS = 5_000;

/**
 * Does `work` while we lead the election, term after term, and waits while another leads. The
 * work's signal is aborted by our own clock before another can be elected; since a pause of the process
 * may still outlast it, writes that matter carry the term's fence. The key is written once per term,
 * so its revision is that of its creation.
 *
 * Returns when the work returns; the leadership is given up then. Throws what the work throws, except
 * what it throws because its term ended; throws the signal's reason.
 */
export async function lead(
  deps: ElectionDeps,
  options: ElectionOptions,
  work: (signal: AbortSignal, term: Term) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const election: Election = { ...deps, ...options, key: keys.election(options.name) };
  for (;;) {
    const holding = await campaign(election, signal);
    const ended = await serve(election, holding, work, signal);
    if (ended === 'done') return;
    deps.log.warn('leadership lost', { election: options.name });
  }
}

interface Election extends ElectionDeps, ElectionOptions {
  readonly key: string;
}

interface Elected {
  readonly holding: Holding;
  readonly revision: Revision;
}

/** Waits until we are elected, however long the ledger is away. */
async function campaign(election: Election, signal: AbortSignal): Promise<Elected> {
  const { log, clock } = election;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    signal.throwIfAborted();
    try {
      await vacancy(election, signal);
      const elected = await stand(election, signal);
      if (elected) return elected;
      pauseMs = FIRST_PAUSE_MS;
    } catch (fault) {
      signal.throwIfAborted();
      if (!isPassing(fault)) throw fault;
      log.warn('election waits for the ledger', { election: election.name, fault: fault.message });
    }
    await clock.sleep(pauseMs, signal);
  }
}

/** Resolves when nobody leads. */
async function vacancy({ store, key }: Election, signal: AbortSignal): Promise<void> {
  const leader = await store.get(key, signal);
  if (leader === undefined) return;
  for await (const { changes } of store.watch(key, leader.revision, signal))
    if (changes.some((change) => change.key === key && change.entry === undefined)) return;
}

async function stand(election: Election, signal: AbortSignal): Promise<Elected | undefined> {
  const { store, key, ttlMs, candidate = '' } = election;
  const holding = await store.hold(ttlMs, signal);
  try {
    const { won, revision } = await store.commit(
      {
        guards: [{ key, revision: 0 }],
        writes: [{ put: key, value: candidate, holding }],
      },
      signal,
    );
    if (won) return { holding, revision };
  } catch (fault) {
    await resign(election, holding);
    throw fault;
  }
  await resign(election, holding);
  return undefined;
}

async function serve(
  election: Election,
  { holding, revision }: Elected,
  work: (signal: AbortSignal, term: Term) => Promise<void>,
  signal: AbortSignal,
): Promise<'done' | 'lost'> {
  const either = eitherSignal(signal, holding.lost);
  try {
    await work(either.signal, { revision, fence: { key: election.key, revision } });
  } catch (fault) {
    if (!either.signal.aborted) throw fault;
  } finally {
    either.drop();
    await resign(election, holding);
  }
  signal.throwIfAborted();
  return either.signal.aborted ? 'lost' : 'done';
}

/** When it fails, the key goes with the TTL. */
async function resign({ name, log }: Election, holding: Holding): Promise<void> {
  await holding.release(AbortSignal.timeout(RESIGN_WITHIN_MS)).catch((fault: unknown) => {
    log.warn('could not resign', { election: name, fault: String(fault) });
  });
}

const isPassing = (fault: unknown): fault is Error =>
  fault instanceof LedgerUnreachable || fault instanceof Compacted || fault instanceof HoldingLost;
