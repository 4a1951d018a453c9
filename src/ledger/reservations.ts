import { Refusal } from '../core/errors.ts';
import { type BadRecord, HoldingLost } from './errors.ts';
import type {
  AdmissionRecord,
  AppRatesRecord,
  InjectedRecord,
  ReservationRecord,
} from '../core/promise-record.ts';
import type { HeldRecord } from '../core/held-record.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import { listAll } from './listing.ts';
import { type Codec, records } from './records.ts';
import type { Guard, Read, Revision, Store, Write } from './store.ts';
import { transact } from './transact.ts';

/** One commit carries one admitted change whole; a change of more apps than this is refused. */
export const MOST_RECORDS = 120;

/** An admitted change names more apps than one commit can promise room to. */
export class TooManyApps extends Refusal {
  readonly code = 'too-many-apps';
  readonly remedy = 'split the group into smaller ones';
  constructor(
    readonly apps: number,
    readonly count: number,
  ) {
    super(`${apps} apps take ${count} records of one commit, which has room for ${MOST_RECORDS}`);
  }
}

/** A record about an app, or `undefined` to drop the one that is there. */
export interface AppRecord<Record> {
  /** Canonical id. */
  readonly app: string;
  readonly record: Record;
}

export interface Admission {
  /** The admission sequence that the verdict was computed on. */
  readonly sequence: number;
  readonly reservations: readonly AppRecord<ReservationRecord>[];
  /** Apps whose reservation, if any, ends with this change. */
  readonly ended?: readonly string[];
  readonly held?: readonly AppRecord<HeldRecord | undefined>[];
  readonly injected?: readonly AppRecord<InjectedRecord | undefined>[];
  readonly rates?: readonly AppRecord<AppRatesRecord | undefined>[];
  /** What must still hold besides the sequence: a leader's fence. */
  readonly guards?: readonly Guard[];
}

/** `won` false: the sequence had moved, nothing was written, judge again from `sequence` on. */
export interface Admitted {
  readonly won: boolean;
  /** The sequence now in force, as far as is known. */
  readonly sequence: number;
  readonly revision: Revision;
}

export interface SeenAdmission {
  readonly sequence: number;
  /** Of the admission key; 0 while nothing was ever admitted. */
  readonly revision: Revision;
}

/** The sequence that every admitted change and every change of the topology advances. */
export async function readAdmission(read: Read, signal: AbortSignal): Promise<SeenAdmission> {
  const entry = await read.get(keys.admission, signal);
  if (!entry) return { sequence: 0, revision: 0 };
  return { sequence: records.admission.decode(entry).sequence, revision: entry.revision };
}

/** The guard and the write that make a change collide with every other that rests on the sequence. */
export function advancing({ sequence, revision }: SeenAdmission): { guard: Guard; write: Write } {
  const next: AdmissionRecord = { v: 1, sequence: sequence + 1 };
  return {
    guard: { key: keys.admission, revision },
    write: { put: keys.admission, value: records.admission.encode(next) },
  };
}

/**
 * Promises room, if the sequence that the verdict was computed on still stands: one commit that
 * advances the sequence and writes every record of the change. An app occurs once in each list.
 *
 * @throws TooManyApps, BadRecord, LedgerUnreachable; HoldingLost when a guard of its own holds no more
 */
export async function reserve(
  store: Store,
  admission: Admission,
  signal: AbortSignal,
): Promise<Admitted> {
  const changes = writesOf(admission);
  if (changes.length > MOST_RECORDS)
    throw new TooManyApps(admission.reservations.length, changes.length);
  const seen = await readAdmission(store, signal);
  if (seen.sequence !== admission.sequence) return { won: false, ...seen };
  const { guard, write } = advancing(seen);
  const { guards = [] } = admission;
  const { won, revision } = await store.commit(
    { guards: [guard, ...guards], writes: [write, ...changes] },
    signal,
  );
  if (!won) await mustHold(store, guards, signal);
  return { won, sequence: seen.sequence + 1, revision };
}

/** @throws HoldingLost: judging again would not help */
export async function mustHold(
  read: Read,
  guards: readonly Guard[],
  signal: AbortSignal,
): Promise<void> {
  for (const { key, revision } of guards) {
    const entry = await read.get(key, signal);
    if ((entry?.revision ?? 0) !== revision) throw new HoldingLost(key);
  }
}

function writesOf(admission: Admission): Write[] {
  const { reservations, ended = [], held = [], injected = [], rates = [] } = admission;
  const promised = new Set(reservations.map(({ app }) => app));
  return [
    ...reservations.map(({ app, record }) => ({
      put: keys.reservation(app),
      value: records.reservation.encode(record),
    })),
    ...ended.filter((app) => !promised.has(app)).map((app) => ({ drop: keys.reservation(app) })),
    ...held.map(noting(keys.held, records.held)),
    ...injected.map(noting(keys.injected, records.injected)),
    ...rates.map(noting(keys.appRates, records.appRates)),
  ];
}

const noting =
  <Record>(key: (app: string) => string, codec: Codec<Record>) =>
  ({ app, record }: AppRecord<Record | undefined>): Write =>
    record ? { put: key(app), value: codec.encode(record) } : { drop: key(app) };

/** Which promise is meant: a later one of the same app has another id and is left alone. */
export interface Meant {
  readonly app: string;
  readonly id: string;
}

/**
 * Drops a promise. The sequence is not advanced: freed room never makes a verdict unsound.
 *
 * @returns whether that promise was there
 */
export const endReservation = (store: Store, meant: Meant, signal: AbortSignal): Promise<boolean> =>
  changeReservation(store, meant, () => undefined, signal);

/** Notes which deployment came of a promise. @returns whether that promise was there */
export const settleReservation = (
  store: Store,
  meant: Meant,
  { deployment }: { readonly deployment: string },
  signal: AbortSignal,
): Promise<boolean> =>
  changeReservation(store, meant, (record) => ({ ...record, deployment }), signal);

/**
 * Moves a promise's deadline later; an earlier one changes nothing.
 *
 * @returns whether that promise was there
 */
export const extendReservation = (
  store: Store,
  meant: Meant,
  { deadlineMs }: { readonly deadlineMs: number },
  signal: AbortSignal,
): Promise<boolean> =>
  changeReservation(
    store,
    meant,
    (record) => ({ ...record, deadlineMs: Math.max(record.deadlineMs, deadlineMs) }),
    signal,
  );

type Changed = (record: ReservationRecord) => ReservationRecord | undefined;

/** Makes `change` of a promise; undefined ends it. @returns whether that promise was there */
export function changeReservation(
  store: Store,
  { app, id }: Meant,
  change: Changed,
  signal: AbortSignal,
): Promise<boolean> {
  const key = keys.reservation(app);
  return transact(
    store,
    async (read) => {
      const entry = await read.get(key, signal);
      const record = entry && records.reservation.decode(entry);
      if (!entry || record?.id !== id) return { result: false, guards: [], writes: [] };
      const next = change(record);
      const value = next && records.reservation.encode(next);
      if (value === entry.value) return { result: true, guards: [], writes: [] };
      const write: Write = value === undefined ? { drop: key } : { put: key, value };
      return { result: true, guards: [{ key, revision: entry.revision }], writes: [write] };
    },
    { signal },
  );
}

export interface Reservation extends Meant {
  readonly record: ReservationRecord;
}

/** Every promise, and the records that do not read. */
export async function listReservations(
  read: Read,
  signal: AbortSignal,
): Promise<{
  readonly reservations: readonly Reservation[];
  readonly faults: readonly BadRecord[];
}> {
  const { entries } = await listAll(read, prefixes.reservations, { signal });
  const { good, faults } = records.reservation.decodeAll(entries);
  const reservations = good.map(({ key, record }) => ({
    app: nameIn(prefixes.reservations, key),
    id: record.id,
    record,
  }));
  return { reservations, faults };
}

export async function getReservation(
  read: Read,
  app: string,
  signal: AbortSignal,
): Promise<ReservationRecord | undefined> {
  const entry = await read.get(keys.reservation(app), signal);
  return entry && records.reservation.decode(entry);
}
