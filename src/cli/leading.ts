import { type ElectionDeps, lead, type Term } from '../ledger/election.ts';
import { aborted, eitherSignal } from '../ledger/abort.ts';
import type { Turn } from '../plumbing/loop.ts';

/** How long after a leader's death another takes over, ms: it is to have acted within 10 s. */
const ELECTION_TTL_MS = 6_000;

/** A turn of one leader's term; its signal ends with the term, its writes carry the term's fence. */
export type LeadingTurn = (signal: AbortSignal, term: Term) => Promise<void>;

/** A turn that does nothing but while this process leads the election of that name. */
export function whileLeading(
  name: string,
  turn: LeadingTurn,
  deps: ElectionDeps,
  signal: AbortSignal,
): Turn {
  let reign: { readonly term: Term; readonly over: AbortSignal } | undefined;
  const hold = async (over: AbortSignal, term: Term): Promise<void> => {
    reign = { term, over };
    await aborted(over);
    reign = undefined;
  };
  const campaign = (): Promise<void> => lead(deps, { name, ttlMs: ELECTION_TTL_MS }, hold, signal);
  void stand(campaign, deps, signal);
  return async (within) => {
    if (!reign) return;
    const either = eitherSignal(within, reign.over);
    try {
      await turn(either.signal, reign.term);
    } finally {
      either.drop();
    }
  };
}

/** How long a failed election is let be, ms: what a ledger refuses once it refuses again. */
const STAND_AGAIN_MS = 1_000;

/** Stands for election again and again until the signal. */
async function stand(
  campaign: () => Promise<void>,
  { clock, log }: Pick<ElectionDeps, 'clock' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted)
    await campaign().catch(async (fault: unknown) => {
      if (signal.aborted) return;
      log.warn('election failed', { fault: String(fault) });
      await clock.sleep(STAND_AGAIN_MS, signal).catch(() => undefined);
    });
}
