import { type CronPlan, duesBetween, nextDue } from '../core/cron.ts';
import { type Zone, zoneOf } from '../core/cron-zone.ts';
import type { NodeFacts } from '../core/facts.ts';
import type { ScheduleRecord } from '../core/report-record.ts';
import type { ReportSettings, ScheduleSettings } from '../config/report.ts';
import type { Term } from '../ledger/election.ts';
import type { Kept } from '../ledger/records.ts';
import {
  getSchedule,
  getWholeReport,
  keepReport,
  reportId,
  reportPlace,
  scheduleChange,
} from '../ledger/reports.ts';
import { trimReports } from '../ledger/report-trim.ts';
import type { Revision, Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { cronPlan } from './cron.ts';
import { deliveriesOf } from './deliver.ts';
import { makeReport } from './make.ts';

export interface ScheduleDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: ReportSettings;
  readonly nodeFacts: () => ReadonlyMap<string, NodeFacts>;
  /** A report was kept, and may wait for delivery. */
  readonly onKept?: () => void;
}

/** A report that is made so much after its time was missed: nobody led, or the process was asleep, ms. */
const LATE_AFTER_MS = 120_000;

interface Plan {
  readonly settings: ScheduleSettings;
  readonly cron: CronPlan;
  readonly zone: Zone;
}

/**
 * One look at all schedules: where a due time has passed, its report is made, once. The ledger has how far
 * each schedule has come; the commit that keeps a report moves that on, under the leader's term, so that two
 * leaders cannot both. Due times that nobody attended to are made up by one report.
 */
export function scheduleTurn(
  deps: ScheduleDeps,
): (signal: AbortSignal, term: Term) => Promise<void> {
  const plans = deps.settings.schedules.map((settings): Plan => ({
    settings,
    cron: cronPlan(settings.cron),
    zone: zoneOf(settings.timezone),
  }));
  /** When each is to be looked at next; a new leader looks at once. */
  const next = new Map<string, number>();
  let seen: Revision | undefined;
  return async (signal, term) => {
    if (seen !== term.revision) next.clear();
    seen = term.revision;
    const faults: unknown[] = [];
    for (const plan of plans) {
      const { name } = plan.settings;
      const nowMs = deps.clock.now();
      if (nowMs < (next.get(name) ?? 0)) continue;
      try {
        await attend(deps, plan, { nowMs, signal, term });
        next.set(name, nextDue(plan.cron, plan.zone, nowMs) ?? Infinity);
      } catch (fault) {
        signal.throwIfAborted();
        faults.push(fault); // one schedule does not stop the others
      }
    }
    if (faults.length > 0) throw new AggregateError(faults, faults.map(String).join('; '));
  };
}

interface Look {
  readonly nowMs: number;
  readonly signal: AbortSignal;
  readonly term: Term;
}

async function attend(
  deps: ScheduleDeps,
  plan: Plan,
  { nowMs, signal, term }: Look,
): Promise<void> {
  const { store, log, settings } = deps;
  const { name, cron, timezone } = plan.settings;
  const known = await getSchedule(store, name, signal);
  const isSame = known?.record.cron === cron && known.record.timezone === timezone;
  if (!known || !isSame) {
    await begin(deps, plan, { known, nowMs, signal, term });
    return;
  }
  const due = duesBetween(plan.cron, plan.zone, { afterMs: known.record.lastDueMs, toMs: nowMs });
  if (!due) return;
  const kept = await make(deps, plan, {
    known,
    due: { atMs: due.lastMs, missed: due.others },
    nowMs,
    signal,
    term,
  });
  if (!kept) {
    log.info('a due report was made by another', { schedule: name });
    return;
  }
  deps.onKept?.();
  await trimReports(store, name, { history: settings.history, rows: settings.rowsKept }, signal);
}

interface Beginning extends Look {
  readonly known: Kept<ScheduleRecord> | undefined;
}

/** A new schedule, or one that was changed, owes nothing for the time before. */
async function begin(
  { store, log }: ScheduleDeps,
  { settings }: Plan,
  { known, nowMs, signal, term }: Beginning,
): Promise<void> {
  const { name, cron, timezone } = settings;
  const record: ScheduleRecord = {
    ...{ v: 1, cron, timezone, lastDueMs: nowMs },
    ...(known?.record.last !== undefined && { last: known.record.last }),
  };
  const { guard, write } = scheduleChange(name, { before: known, record });
  await store.commit({ guards: [term.fence, guard], writes: [write] }, signal);
  log.info('a report schedule begins', { schedule: name, cron, timezone });
}

interface Making extends Look {
  readonly known: Kept<ScheduleRecord>;
  readonly due: { readonly atMs: number; readonly missed: number };
}

async function make(
  deps: ScheduleDeps,
  { settings }: Plan,
  { known, due, nowMs, signal, term }: Making,
): Promise<boolean> {
  const { store, log } = deps;
  const { name: schedule, cron, timezone } = settings;
  const place = reportPlace(schedule, due.atMs);
  const id = reportId(place);
  const { last } = known.record;
  const before = last === undefined ? undefined : await getWholeReport(store, last, signal);
  const late = due.missed > 0 || nowMs - due.atMs > LATE_AFTER_MS;
  const ask = { id, schedule, nowMs, due: { ...due, late }, settings: deps.settings };
  const facts = { nodeFacts: deps.nodeFacts(), ...(before && { before }) };
  const report = await makeReport(store, { ...ask, ...facts }, signal);
  const record: ScheduleRecord = { v: 1, cron, timezone, lastDueMs: due.atMs, last: id };
  const { guard, write } = scheduleChange(schedule, { before: known, record });
  const deliveries = deliveriesOf(settings, nowMs);
  const guards = [term.fence, guard];
  const kept = await keepReport(
    store,
    { place, report, deliveries, guards, writes: [write] },
    signal,
  );
  if (kept)
    log.info('report made', { report: id, late, missed: due.missed, rows: report.rows.length });
  return kept;
}
