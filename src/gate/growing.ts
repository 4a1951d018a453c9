import type { HeldRecord, PendingScale } from '../core/held-record.ts';
import type { Guard } from '../ledger/store.ts';

/** A change that the queue makes for a held app, by itself and not for a client. */
export interface Growing {
  readonly record: HeldRecord;
  readonly was: PendingScale;
  readonly fence: Guard;
}
