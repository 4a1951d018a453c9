import type { CapacityReport } from '../core/capacity-record.ts';
import type { Delivery } from '../core/report-record.ts';
import type {
  ReportFormat,
  ReportSettings,
  ScheduleSettings,
  WebhookSettings,
} from '../config/report.ts';
import { type SteadyMs, stillLeads, type Term } from '../ledger/election.ts';
import {
  getWholeReport,
  listUndelivered,
  noteDeliveries,
  reportId,
  type Undelivered,
} from '../ledger/reports.ts';
import type { Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { writeReport } from './files.ts';
import { callWebhook } from './webhook.ts';

export interface DeliverDeps {
  readonly store: Store;
  readonly steadyMs: SteadyMs;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: ReportSettings;
  /** The key that a webhook's reports are signed with; undefined when it has none. @throws when it cannot be read */
  readonly secretOf: (webhook: WebhookSettings) => string | undefined;
}

/** What a new report has to be delivered to. */
export const deliveriesOf = (schedule: ScheduleSettings, nowMs: number): readonly Delivery[] => {
  const waiting = { state: 'waiting', attempts: 0, atMs: nowMs } as const;
  return [
    ...(schedule.directory === undefined ? [] : schedule.formats).map((name): Delivery => ({
      to: 'file',
      name,
      ...waiting,
    })),
    ...schedule.webhooks.map(({ name }): Delivery => ({ to: 'webhook', name, ...waiting })),
  ];
};

/**
 * One pass over what waits for delivery: everything that is due is tried at once, and what became of it is
 * noted under the term. A leader that dies in between leaves it waiting, so that it is tried again: files
 * are written over, and webhooks get the same delivery id.
 */
export const deliverTurn =
  (deps: DeliverDeps) =>
  async (signal: AbortSignal, term: Term): Promise<void> => {
    const { waiting, faults } = await listUndelivered(deps.store, signal);
    for (const fault of faults) deps.log.warn('an outbox does not read', { fault: fault.message });
    await Promise.all(waiting.map((one) => deliver(deps, one, { signal, term })));
  };

interface Turn {
  readonly signal: AbortSignal;
  readonly term: Term;
}

async function deliver(
  deps: DeliverDeps,
  undelivered: Undelivered,
  { signal, term }: Turn,
): Promise<void> {
  const { store, clock, log } = deps;
  const { place, outbox } = undelivered;
  const nowMs = clock.now();
  const isDue = ({ state, atMs }: Delivery): boolean => state === 'waiting' && atMs <= nowMs;
  if (!outbox.record.deliveries.some(isDue)) return;
  const report = await getWholeReport(store, reportId(place), signal);
  if (!(await stillLeads(deps, term, signal))) return;
  const deliveries = await Promise.all(
    outbox.record.deliveries.map(async (delivery) =>
      isDue(delivery)
        ? tried(deps, { delivery, report, schedule: place.schedule }, signal)
        : delivery,
    ),
  );
  const id = reportId(place);
  for (const { to, name, state, fault, attempts } of deliveries)
    if (fault !== undefined && state !== 'done')
      log.warn('a report was not delivered', { report: id, to, name, state, attempts, fault });
  const noted = await noteDeliveries(
    store,
    undelivered,
    { deliveries, guards: [term.fence] },
    signal,
  );
  if (!noted) log.warn('what became of a delivery was noted by another', { report: id });
}

interface Trying {
  readonly delivery: Delivery;
  readonly report: CapacityReport | undefined;
  readonly schedule: string;
}

const LONGEST_PAUSE_MS = 3_600_000;
const LONGEST_FAULT = 500;

async function tried(
  deps: DeliverDeps,
  { delivery, report, schedule }: Trying,
  signal: AbortSignal,
): Promise<Delivery> {
  const { clock, settings } = deps;
  const outcome = await attempt(deps, { delivery, report, schedule }, signal);
  const attempts = delivery.attempts + 1;
  const { to, name } = delivery;
  const nowMs = clock.now();
  if (outcome.went === 'well')
    return {
      to,
      name,
      attempts,
      state: 'done',
      atMs: nowMs,
      ...(outcome.path !== undefined && { path: outcome.path }),
    };
  const fault = outcome.fault.slice(0, LONGEST_FAULT);
  if (outcome.went === 'never' || attempts >= settings.webhookAttempts)
    return { to, name, attempts, state: 'given up', atMs: nowMs, fault };
  const pauseMs = Math.min(
    LONGEST_PAUSE_MS,
    settings.webhookBackoffMs * 2 ** Math.min(attempts - 1, 30),
  );
  return { to, name, attempts, state: 'waiting', atMs: nowMs + pauseMs, fault };
}

type Attempt =
  | { readonly went: 'well'; readonly path?: string }
  | { readonly went: 'again' | 'never'; readonly fault: string };

const never = (fault: string): Attempt => ({ went: 'never', fault });

async function attempt(
  deps: DeliverDeps,
  { delivery, report, schedule }: Trying,
  signal: AbortSignal,
): Promise<Attempt> {
  const settings = deps.settings.schedules.find(({ name }) => name === schedule);
  if (!report) return never('the rows of the report are not kept any more');
  if (!settings) return never('its schedule is not in the settings any more');
  try {
    return delivery.to === 'file'
      ? await toFile(deps, { report, settings, format: delivery.name as ReportFormat })
      : await toWebhook(deps, { report, settings, name: delivery.name }, signal);
  } catch (fault) {
    signal.throwIfAborted();
    return { went: 'again', fault: fault instanceof Error ? fault.message : String(fault) };
  }
}

async function toFile(
  { clock }: DeliverDeps,
  {
    report,
    settings,
    format,
  }: { report: CapacityReport; settings: ScheduleSettings; format: ReportFormat },
): Promise<Attempt> {
  const { directory } = settings;
  if (directory === undefined) return never('its schedule has no directory any more');
  const path = await writeReport(report, {
    directory,
    format,
    schedule: settings,
    nowMs: clock.now(),
  });
  return { went: 'well', path };
}

async function toWebhook(
  deps: DeliverDeps,
  { report, settings, name }: { report: CapacityReport; settings: ScheduleSettings; name: string },
  signal: AbortSignal,
): Promise<Attempt> {
  const webhook = settings.webhooks.find((one) => one.name === name);
  if (!webhook) return never('its schedule has no such webhook any more');
  const call = {
    webhook,
    report,
    delivery: `${report.id}.${name}`,
    secret: deps.secretOf(webhook),
  };
  const { clock, settings: all } = deps;
  return callWebhook({ ...call, nowMs: clock.now(), withinMs: all.webhookWithinMs }, signal);
}
