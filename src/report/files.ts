import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CapacityReport } from '../core/capacity-record.ts';
import type { ReportFormat, ScheduleSettings } from '../config/report.ts';
import { replaceFile } from '../plumbing/write-file.ts';
import { FORMS } from './render.ts';

const DAY_MS = 86_400_000;

/** `daily-20260329T050000Z.csv`: the same report always has the same name. */
export const fileNameOf = (
  { schedule, dueMs, atMs }: CapacityReport,
  format: ReportFormat,
): string => {
  const at = new Date(dueMs ?? atMs).toISOString();
  return `${schedule}-${at.slice(0, 19).replace(/[-:]/g, '')}Z.${FORMS[format].extension}`;
};

const isOf = (schedule: string, format: ReportFormat): ((name: string) => boolean) => {
  const start = `${schedule}-`;
  const end = new RegExp(`^\\d{8}T\\d{6}Z\\.${FORMS[format].extension}$`);
  return (name) => name.startsWith(start) && end.test(name.slice(start.length));
};

/**
 * Writes one form of a report, whole or not at all, then lets old ones of the same form go. Writing it
 * again changes nothing.
 *
 * @returns where it is
 * @throws Error of the file system; what cannot be removed stays and stops nothing
 */
export async function writeReport(
  report: CapacityReport,
  {
    directory,
    format,
    schedule,
    nowMs,
  }: { directory: string; format: ReportFormat; schedule: ScheduleSettings; nowMs: number },
): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, fileNameOf(report, format));
  await replaceFile(path, FORMS[format].render(report));
  await prune(directory, { format, schedule, nowMs });
  return path;
}

/** The newest `keep`, none older than `keepDays`; nothing of other names is touched. */
async function prune(
  directory: string,
  { format, schedule, nowMs }: { format: ReportFormat; schedule: ScheduleSettings; nowMs: number },
): Promise<void> {
  const { name, keep, keepDays = Infinity } = schedule;
  const files = (await readdir(directory)).filter(isOf(name, format)).sort().reverse();
  for (const [at, file] of files.entries()) {
    const path = join(directory, file);
    const isOld = at > 0 && (await ageMs(path, nowMs)) > keepDays * DAY_MS;
    if (at >= keep || isOld) await rm(path, { force: true }).catch(() => undefined);
  }
}

const ageMs = (path: string, nowMs: number): Promise<number> =>
  stat(path).then(
    ({ mtimeMs }) => nowMs - mtimeMs,
    () => 0,
  );
