import type { ReservationRecord } from '../core/promise-record.ts';
import type { View } from '../ledger/view.ts';

/** Marathon's answer to it has not been written down. */
const isOpen = (promise: ReservationRecord | undefined): boolean =>
  promise !== undefined && promise.deployment === undefined;

/**
 * Watches for a client's change of an app while Marathon is asked about it. To be called before it is
 * asked; what it gives tells afterwards whether the answer may be older than a change that the ledger shows.
 * Every change that claims room is promised before Marathon hears of it. So it is seen as one that was under way at
 * either end, or as another promise than at the start.
 */
export function watchFlight(view: Pick<View, 'snapshot'>, app: string): () => boolean {
  const before = view.snapshot.reservation(app);
  return () => {
    const now = view.snapshot.reservation(app);
    return isOpen(before) || isOpen(now) || before?.id !== now?.id;
  };
}
