import type { Change, Store } from '../../src/ledger/store.ts';

/**
 * A real store in which something else happens just before the commits of one writer: what a rival may do
 * between a decision and its commit, or a ledger that goes away there.
 */
export const interposed = (
  store: Store,
  before: (change: Change, nth: number) => Promise<void>,
): Store => {
  let commits = 0;
  return {
    get: (...asked) => store.get(...asked),
    range: (...asked) => store.range(...asked),
    watch: (...asked) => store.watch(...asked),
    hold: (...asked) => store.hold(...asked),
    close: () => store.close(),
    commit: async (change, signal) => {
      await before(change, (commits += 1));
      return store.commit(change, signal);
    },
  };
};

/** Does `act` once, right before the first commit. */
export const beforeFirst = (store: Store, act: () => Promise<void>): Store =>
  interposed(store, async (_change, nth) => {
    if (nth === 1) await act();
  });
