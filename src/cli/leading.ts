import { type ElectionDeps, lead, type Term } from '../ledger/election.ts';
import { aborted, eitherSignal } from '../ledger/abort.ts';
import type { Log } from '../plumbing/log.ts';
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
  void stand(campaign, { signal, log: deps.log });
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

/** Stands for election again and again until the signal. */
async function stand(
  campaign: () => Promise<void>,
  { signal, log }: { signal: AbortSignal; log: Log },
): Promise<void> {
  while (!signal.aborted)
    await campaign().catch((fault: unknown) => {
      if (!signal.aborted) log.warn('election failed', { fault: String(fault) });
    });
}
