import type { HeldRecord } from '../core/held-record.ts';
import { appNotes } from './app-notes.ts';
import { keys, prefixes } from './keys.ts';
import { records } from './records.ts';
import { mustHold } from './reservations.ts';
import type { Guard, Revision, Store, Write } from './store.ts';

/** Apps that run with fewer instances than asked, waiting for room. */
export const heldApps = appNotes(prefixes.held, keys.held, records.held);

export interface HeldChange {
  /** What becomes of the record; `undefined` drops it, the same object leaves it alone. */
  readonly to: (record: HeldRecord | undefined) => HeldRecord | undefined;
  /** What must hold besides: a leader's fence. */
  readonly guards?: readonly Guard[];
  /** Written with it, if it is written. */
  readonly writes?: readonly Write[];
}

export interface HeldChanged {
  /** False: there was nothing to write. */
  readonly written: boolean;
  readonly revision: Revision;
}

const ATTEMPTS = 5;

/**
 * Changes what is written about a held app, if it is still what `to` was told.
 *
 * @throws HoldingLost when a guard holds no more; BadRecord, LedgerUnreachable
 */
export async function changeHeld(
  store: Store,
  app: string,
  { to, guards = [], writes = [] }: HeldChange,
  signal: AbortSignal,
): Promise<HeldChanged> {
  const key = keys.held(app);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const entry = await store.get(key, signal);
    const record = entry && records.held.decode(entry);
    const next = to(record);
    if (next === record) break;
    const own = { key, revision: entry?.revision ?? 0 };
    const change = { guards: [...guards, own], writes: [writeOf(key, next), ...writes] };
    const { won, revision } = await store.commit(change, signal);
    if (won) return { written: true, revision };
    await mustHold(store, guards, signal);
  }
  return NOTHING;
}

const NOTHING: HeldChanged = { written: false, revision: 0 };

const writeOf = (key: string, record: HeldRecord | undefined): Write =>
  record ? { put: key, value: records.held.encode(record) } : { drop: key };

/** Whether two records say the same: nobody has written between two looks. */
export const sameHeld = (one: HeldRecord | undefined, other: HeldRecord | undefined): boolean =>
  one === other ||
  (one !== undefined &&
    other !== undefined &&
    records.held.encode(one) === records.held.encode(other));
