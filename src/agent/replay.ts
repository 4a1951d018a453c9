import type { Desk } from '../ledger/desk.ts';
import type { Turn } from '../plumbing/loop.ts';
import type { Journal } from './journal.ts';

/** Tells the ledger of the releases in the journal, in their order, and strikes out each one it took. */
export const replayTurn =
  ({ desk, journal }: { desk: Pick<Desk, 'release'>; journal: Journal }): Turn =>
  async (signal) => {
    for (const entry of journal.pending()) {
      await desk.release(entry.address, entry.incarnation, signal);
      await journal.settle(entry);
    }
  };
