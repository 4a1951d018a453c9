import type { CapacityReport } from '../core/capacity-record.ts';
import {
  type Delivery,
  headOf,
  type OutboxRecord,
  type ReportRecord,
  type ScheduleRecord,
} from '../core/report-record.ts';
import type { BadRecord } from './errors.ts';
import { keys, nameIn, prefixes, type ReportPlace } from './keys.ts';
import { listAll } from './listing.ts';
import { type Kept, records } from './records.ts';
import { readRows, writeRows } from './report-rows.ts';
import type { Guard, Read, Store, Write } from './store.ts';
import { verdictId } from './verdicts.ts';

/** The schedule of reports that somebody asked for. */
export const ASKED = 'now';

/**
 * What a report is called: `<schedule>-<stamp>`, and the smaller the stamp, the newer the report.
 *
 * @param random  text of [0-9a-z], for what may be made twice in a millisecond; '' for what is due once
 */
export const reportPlace = (schedule: string, atMs: number, random = ''): ReportPlace => ({
  schedule,
  stamp: verdictId(atMs, random).replace('-', ''),
});

export const reportId = ({ schedule, stamp }: ReportPlace): string => `${schedule}-${stamp}`;

/** What an id means; undefined when it is none. */
export function placeOfReport(id: string): ReportPlace | undefined {
  const [, schedule, stamp] = /^([a-z0-9][a-z0-9_-]{0,63})-([0-9a-z]{9,40})$/.exec(id) ?? [];
  return schedule === undefined || stamp === undefined ? undefined : { schedule, stamp };
}

/** @throws BadRecord, LedgerUnreachable */
export async function getReport(
  read: Read,
  id: string,
  signal: AbortSignal,
): Promise<ReportRecord | undefined> {
  const place = placeOfReport(id);
  const entry = place && (await read.get(keys.report(place), signal));
  if (!place || !entry) return undefined;
  const record = records.report.decode(entry);
  const waiting = await outboxOf(read, place, signal);
  return waiting ? { ...record, deliveries: waiting.record.deliveries } : record;
}

/** With every row; undefined when there is no such report, or its rows are not kept any more. */
export async function getWholeReport(
  read: Read,
  id: string,
  signal: AbortSignal,
): Promise<CapacityReport | undefined> {
  const place = placeOfReport(id);
  const entry = place && (await read.get(keys.report(place), signal));
  if (!place || !entry) return undefined;
  return readRows(read, { place, parts: records.report.decode(entry).parts }, signal);
}

export interface ReportList {
  /** Newest first, of all schedules. */
  readonly reports: readonly ReportRecord[];
  readonly faults: readonly BadRecord[];
}

/** The newest reports, of one schedule or of all. A schedule keeps a bounded number. */
export async function listReports(
  read: Read,
  { schedule, limit }: { readonly schedule?: string; readonly limit: number },
  signal: AbortSignal,
): Promise<ReportList> {
  const prefix = schedule === undefined ? prefixes.reports : prefixes.reportsOf(schedule);
  const { entries } =
    schedule === undefined
      ? await listAll(read, prefix, { signal })
      : await read.range({ prefix, limit }, signal);
  const { good, faults } = records.report.decodeAll(entries);
  const reports = good
    .map(({ record }) => record)
    .sort((one, other) => other.atMs - one.atMs)
    .slice(0, limit);
  return { reports, faults };
}

/** The newest report of a schedule, with its rows. */
export async function newestReport(
  read: Read,
  schedule: string | undefined,
  signal: AbortSignal,
): Promise<CapacityReport | undefined> {
  const query = { limit: 1, ...(schedule !== undefined && { schedule }) };
  const [head] = (await listReports(read, query, signal)).reports;
  return head && getWholeReport(read, head.id, signal);
}

/** How far a schedule has come, with the revision to guard on; undefined before its first look. */
export async function getSchedule(
  read: Read,
  schedule: string,
  signal: AbortSignal,
): Promise<Kept<ScheduleRecord> | undefined> {
  const entry = await read.get(keys.reportSchedule(schedule), signal);
  return entry && { ...entry, record: records.reportSchedule.decode(entry) };
}

/** The write of a schedule's state, and the guard that lets it win only over the state that was read. */
export const scheduleChange = (
  schedule: string,
  { before, record }: { before: Kept<ScheduleRecord> | undefined; record: ScheduleRecord },
): { readonly guard: Guard; readonly write: Write } => ({
  guard: { key: keys.reportSchedule(schedule), revision: before?.revision ?? 0 },
  write: { put: keys.reportSchedule(schedule), value: records.reportSchedule.encode(record) },
});

export interface NewReport {
  readonly place: ReportPlace;
  readonly report: CapacityReport;
  readonly deliveries: readonly Delivery[];
  /** All must hold: the term's fence, the schedule's state. */
  readonly guards: readonly Guard[];
  /** Written in the same commit. */
  readonly writes: readonly Write[];
}

/**
 * Keeps a report: its rows first, then in one commit its head, its outbox and what else belongs to it.
 *
 * @returns false when a guard does not hold any more: then there is no such report
 */
export async function keepReport(
  store: Store,
  { place, report, deliveries, guards, writes }: NewReport,
  signal: AbortSignal,
): Promise<boolean> {
  const parts = await writeRows(store, { place, report }, guards, signal);
  if (parts === undefined) return false;
  const head = records.report.encode(headOf(report, parts));
  const outbox = outboxWrite(place, deliveries);
  const all = [{ put: keys.report(place), value: head }, ...outbox, ...writes];
  return (await store.commit({ guards, writes: all }, signal)).won;
}

const outboxWrite = (place: ReportPlace, deliveries: readonly Delivery[]): Write[] =>
  deliveries.length === 0
    ? []
    : [{ put: keys.reportOutbox(place), value: records.reportOutbox.encode({ v: 1, deliveries }) }];

async function outboxOf(
  read: Read,
  place: ReportPlace,
  signal: AbortSignal,
): Promise<Kept<OutboxRecord> | undefined> {
  const entry = await read.get(keys.reportOutbox(place), signal);
  return entry && { ...entry, record: records.reportOutbox.decode(entry) };
}

/** A report with something to deliver. */
export interface Undelivered {
  readonly place: ReportPlace;
  readonly outbox: Kept<OutboxRecord>;
}

/** All that waits for delivery. */
export async function listUndelivered(
  read: Read,
  signal: AbortSignal,
): Promise<{ readonly waiting: readonly Undelivered[]; readonly faults: readonly BadRecord[] }> {
  const { entries } = await listAll(read, prefixes.reportOutbox, { signal });
  const { good, faults } = records.reportOutbox.decodeAll(entries);
  const waiting = good.flatMap((outbox): Undelivered[] => {
    const [schedule, stamp] = nameIn(prefixes.reportOutbox, outbox.key).split('/');
    return schedule === undefined || stamp === undefined
      ? []
      : [{ place: { schedule, stamp }, outbox }];
  });
  return { waiting, faults };
}

/**
 * Notes what became of deliveries. Once none waits, they move to the report's head.
 *
 * @returns false when somebody else noted something in the meantime, or the guards do not hold
 */
export async function noteDeliveries(
  store: Store,
  { place, outbox }: Undelivered,
  { deliveries, guards }: { deliveries: readonly Delivery[]; guards: readonly Guard[] },
  signal: AbortSignal,
): Promise<boolean> {
  const own = { key: outbox.key, revision: outbox.revision };
  if (deliveries.some(({ state }) => state === 'waiting')) {
    const writes = outboxWrite(place, deliveries);
    return (await store.commit({ guards: [...guards, own], writes }, signal)).won;
  }
  const head = await store.get(keys.report(place), signal);
  const change = { guards: [...guards, own], writes: [{ drop: outbox.key } as Write] };
  if (head) {
    const moved = { ...records.report.decode(head), deliveries };
    change.guards.push({ key: head.key, revision: head.revision });
    change.writes.push({ put: head.key, value: records.report.encode(moved) });
  }
  return (await store.commit(change, signal)).won;
}
