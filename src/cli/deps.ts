import type { Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';

/** What commands need of the process they run in; cli/main.ts provides it, tests hand in their own. */
export interface CliDeps {
  /** Opens the ledger that the settings name; the command closes it. */
  readonly openStore: () => Promise<Store>;
  /** One line, or several, for standard output; without the last line break. */
  readonly out: (text: string) => void;
  /** The same for standard error. */
  readonly err: (text: string) => void;
  readonly clock: Clock;
  /** Aborted when the process is told to stop. */
  readonly signal: AbortSignal;
}

/** Opens the ledger for one act and closes it whatever comes. */
export async function withStore<T>(deps: CliDeps, act: (store: Store) => Promise<T>): Promise<T> {
  const store = await deps.openStore();
  try {
    return await act(store);
  } finally {
    await store.close();
  }
}
