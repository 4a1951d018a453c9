import type { Store } from '../ledger/store.ts';
import type { View } from '../ledger/view.ts';
import { forgetRates } from '../ledger/withdraw.ts';
import type { Log } from '../plumbing/log.ts';
import type { Turn } from '../plumbing/loop.ts';

export interface GoneRatesDeps {
  readonly view: View;
  readonly store: Store;
  /** Whether Marathon has such an app or pod. */
  readonly exists: (id: string, signal: AbortSignal) => Promise<boolean>;
  readonly log: Log;
}

/**
 * Forgets the rates of apps that are no more: deletes pass by unjudged, some even past the gate. Who holds
 * an address or is promised one is not asked about. The record is read before Marathon is asked, so that
 * one of an app that was made anew meanwhile is another and stays. Several gates may do so at once.
 */
export const goneRatesTurn =
  ({ view, store, exists, log }: GoneRatesDeps): Turn =>
  async (signal) => {
    const { snapshot, appRates } = view;
    const idle = [...appRates].filter(
      ([app]) => snapshot.heldBy(app) === 0 && snapshot.reservation(app) === undefined,
    );
    for (const [app, written] of idle) {
      if (await exists(app, signal)) continue;
      await forgetRates(store, app, written, signal);
      log.info('rates of an app that is no more were forgotten', { app });
    }
  };
