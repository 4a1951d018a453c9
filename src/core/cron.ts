import { instantsAt, type Zone } from './cron-zone.ts';

/** A cron expression taken apart. Who parses it is elsewhere; here it becomes due times. */
export interface CronPlan {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** Whether it is due on a day of the calendar; months from 1. */
  onDay(year: number, month: number, day: number): boolean;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const HOURS = 24;
/** Days without a due time after which nothing is looked for: the 29th of February comes every 8 years. */
const MOST_DAYS = 366 * 9;

/**
 * Due times on a local day, ascending. A plan that names hours is due once for each time that it names:
 * a time that clocks skip is due when they skip it, a time that they show twice is due the first time. A
 * plan for every hour follows the real hours: nothing is due in a gap, and both of a doubled hour are.
 *
 * @param dayMs  midnight of the day, as ms since the epoch were local time UTC
 */
function duesOn(plan: CronPlan, zone: Zone, dayMs: number): readonly number[] {
  const day = new Date(dayMs);
  if (!plan.onDay(day.getUTCFullYear(), day.getUTCMonth() + 1, day.getUTCDate())) return [];
  const isHourly = plan.hours.length === HOURS;
  const dues = new Set<number>();
  for (const hour of plan.hours)
    for (const minute of plan.minutes) {
      const local = dayMs + (hour * 60 + minute) * MINUTE_MS;
      const { at, gapEndMs } = instantsAt(zone, local);
      const due = isHourly ? at : [at[0] ?? gapEndMs ?? local];
      for (const instant of due) dues.add(instant);
    }
  return [...dues].sort((one, other) => one - other);
}

const localDay = (zone: Zone, atMs: number): number => {
  const local = atMs + zone.offsetMs(atMs);
  return local - (((local % DAY_MS) + DAY_MS) % DAY_MS);
};

/** The first due time after an instant; undefined when none comes within nine years. */
export function nextDue(plan: CronPlan, zone: Zone, afterMs: number): number | undefined {
  // clocks that were put back may show the day before again
  const first = localDay(zone, afterMs) - DAY_MS;
  for (let n = 0; n < MOST_DAYS; n += 1) {
    const due = duesOn(plan, zone, first + n * DAY_MS).find((instant) => instant > afterMs);
    if (due !== undefined) return due;
  }
  return undefined;
}

export interface Dues {
  /** The newest. */
  readonly lastMs: number;
  /** How many came before it in the span. */
  readonly others: number;
}

/**
 * Due times within a span, the first instant left out and the last one not. Days are gone through
 * from the newest, and `others` stops counting at `most`.
 */
export function duesBetween(
  plan: CronPlan,
  zone: Zone,
  { afterMs, toMs, most = 1_000 }: { afterMs: number; toMs: number; most?: number },
): Dues | undefined {
  if (toMs <= afterMs) return undefined;
  const [first, last] = [localDay(zone, afterMs) - DAY_MS, localDay(zone, toMs) + DAY_MS];
  let lastMs: number | undefined;
  let found = 0;
  for (let day = last; day >= first && found <= most; day -= DAY_MS) {
    const within = duesOn(plan, zone, day).filter((at) => at > afterMs && at <= toMs);
    lastMs ??= within.at(-1);
    found += within.length;
  }
  return lastMs === undefined ? undefined : { lastMs, others: Math.min(found - 1, most) };
}
