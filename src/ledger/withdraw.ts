import type { HeldRecord } from '../core/held-record.ts';
import type { AppRatesRecord, InjectedRecord, ReservationRecord } from '../core/promise-record.ts';
import { keys } from './keys.ts';
import { type Codec, records } from './records.ts';
import { changeReservation, type Meant } from './reservations.ts';
import type { Entry, Guard, Read, Store, Write } from './store.ts';
import { transact } from './transact.ts';

/** What an app's records said before the change that is taken back; absent: there was none. */
export interface Former {
  readonly reservation?: ReservationRecord | undefined;
  readonly held?: HeldRecord | undefined;
  readonly injected?: InjectedRecord | undefined;
  readonly rates?: AppRatesRecord | undefined;
}

/**
 * Takes back what an admitted change wrote about an app: Marathon refused it. A promise that a later
 * change has replaced is that change's business, and is left alone with all that belongs to it.
 *
 * @returns whether the promise was there
 */
export function withdraw(
  store: Store,
  { app, id }: Meant,
  former: Former,
  signal: AbortSignal,
): Promise<boolean> {
  return transact(
    store,
    async (read) => {
      const [reservation, held, injected, rates] = await Promise.all([
        seen(read, keys.reservation(app), signal),
        seen(read, keys.held(app), signal),
        seen(read, keys.injected(app), signal),
        seen(read, keys.appRates(app), signal),
      ]);
      const ours = reservation.entry && records.reservation.decode(reservation.entry).id === id;
      if (ours !== true) return { result: false, guards: [], writes: [] };
      const restored = [
        restore(reservation, former.reservation && records.reservation.encode(former.reservation)),
        restore(held, former.held && records.held.encode(former.held)),
        restore(injected, former.injected && records.injected.encode(former.injected)),
        restore(rates, former.rates && records.appRates.encode(former.rates)),
      ].flatMap((one) => one ?? []);
      return {
        result: true,
        guards: restored.map(({ guard }) => guard),
        writes: restored.map(({ write }) => write),
      };
    },
    { signal },
  );
}

interface Seen {
  readonly key: string;
  readonly entry: Entry | undefined;
}

const seen = async (read: Read, key: string, signal: AbortSignal): Promise<Seen> => ({
  key,
  entry: await read.get(key, signal),
});

function restore(
  { key, entry }: Seen,
  value: string | undefined,
): { guard: Guard; write: Write } | undefined {
  if (entry?.value === value) return undefined;
  const guard = { key, revision: entry?.revision ?? 0 };
  return { guard, write: value === undefined ? { drop: key } : { put: key, value } };
}

/**
 * Takes back what a change without a promise wrote about the constraints that the gate added to an app.
 * What somebody else has written since is left alone.
 */
export const withdrawInjected = (
  store: Store,
  app: string,
  rewritten: Rewritten<InjectedRecord>,
  signal: AbortSignal,
): Promise<void> =>
  unwrite(store, { key: keys.injected(app), codec: records.injected, ...rewritten }, signal);

/** Forgets what an app was admitted with, unless somebody has said it anew since. */
export const forgetRates = (
  store: Store,
  app: string,
  written: AppRatesRecord,
  signal: AbortSignal,
): Promise<void> =>
  unwrite(
    store,
    { key: keys.appRates(app), codec: records.appRates, written, former: undefined },
    signal,
  );

interface Unwriting<Record> extends Rewritten<Record> {
  readonly key: string;
  readonly codec: Codec<Record>;
}

function unwrite<Record>(
  store: Store,
  { key, codec, written, former }: Unwriting<Record>,
  signal: AbortSignal,
): Promise<void> {
  const ours = written && codec.encode(written);
  const value = former && codec.encode(former);
  return transact(
    store,
    async (read) => {
      const found = await seen(read, key, signal);
      const restored = found.entry?.value === ours ? restore(found, value) : undefined;
      return {
        result: undefined,
        guards: restored ? [restored.guard] : [],
        writes: restored ? [restored.write] : [],
      };
    },
    { signal },
  );
}

/** What a change made of a record, and what it found; absent: none. */
export interface Rewritten<Record> {
  readonly written: Record | undefined;
  readonly former: Record | undefined;
}

/** What is left to be done for a promise. */
export interface Reduced {
  readonly target: number;
  /** The deployment that reduces it, which has taken the place of the one that was promised for. */
  readonly deployment?: string | undefined;
}

/**
 * Lowers what a promise is for: the app was scaled down, or deleted (target 0, which ends it).
 *
 * @returns whether that promise was there
 */
export const shrinkReservation = (
  store: Store,
  meant: Meant,
  { target, deployment }: Reduced,
  signal: AbortSignal,
): Promise<boolean> =>
  changeReservation(
    store,
    meant,
    (record) =>
      target === 0
        ? undefined
        : {
            ...record,
            target: Math.min(record.target, target),
            ...(deployment !== undefined && { deployment }),
          },
    signal,
  );
