import { createTask, parse } from 'node-cron';
import type { CronPlan } from '../core/cron.ts';

/**
 * A cron expression of five fields, or a nickname such as @daily, as node-cron reads it. Day of month
 * and day of week must both match when both are given.
 *
 * @throws Error for what node-cron refuses; settings are checked before they get here
 */
export function cronPlan(expression: string): CronPlan {
  const { minute, hour, dayOfMonth, month, dayOfWeek } = parse(expression);
  const days = `0 0 0 ${dayOfMonth.join(',')} ${month.join(',')} ${dayOfWeek.join(',')}`;
  // never started: it is asked whether a date matches, which rests on nothing but the date
  const task = createTask(days, () => undefined, { timezone: 'Etc/UTC' });
  return {
    minutes: minute,
    hours: hour,
    onDay: (year, ofYear, day) => task.match(new Date(Date.UTC(year, ofYear - 1, day))),
  };
}
