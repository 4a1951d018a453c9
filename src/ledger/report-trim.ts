import { prefixes } from './keys.ts';
import type { Store } from './store.ts';

/** What is kept of a schedule's reports. */
export interface ReportsKept {
  readonly history: number;
  /** Of them, the newest, with all rows. */
  readonly rows: number;
}

/**
 * Drops the oldest reports of a schedule beyond what is kept, with what waits of them, and the rows of
 * those that keep their head only.
 */
export async function trimReports(
  store: Store,
  schedule: string,
  { history, rows }: ReportsKept,
  signal: AbortSignal,
): Promise<void> {
  const prefix = prefixes.reportsOf(schedule);
  await dropAfter(
    store,
    { prefix, keep: history, also: prefixes.reportOutboxOf(schedule) },
    signal,
  );
  const newest = await store.range({ prefix, limit: rows }, signal);
  const oldest = newest.entries.at(-1);
  if (!oldest || newest.entries.length < rows) return;
  // the pieces of a report sort behind its stamp and before the stamp of an older one
  const parts = prefixes.reportPartsOf(schedule);
  const after = `${parts}${oldest.key.slice(prefix.length)}/~`;
  await drop(store, { prefix: parts, after }, signal);
}

async function dropAfter(
  store: Store,
  { prefix, keep, also }: { prefix: string; keep: number; also: string },
  signal: AbortSignal,
): Promise<void> {
  const kept = await store.range({ prefix, limit: keep }, signal);
  const last = kept.entries.at(-1)?.key;
  if (!kept.more || last === undefined) return;
  await drop(store, { prefix: also, after: also + last.slice(prefix.length) }, signal);
  await drop(store, { prefix, after: last }, signal);
}

/** Values may be large, so that a page is small. */
const READ_AT_ONCE = 10;

async function drop(
  store: Store,
  { prefix, after }: { readonly prefix: string; readonly after: string },
  signal: AbortSignal,
): Promise<void> {
  for (let more = true; more;) {
    const page = await store.range({ prefix, after, limit: READ_AT_ONCE }, signal);
    const writes = page.entries.map(({ key }) => ({ drop: key }));
    if (writes.length > 0) await store.commit({ guards: [], writes }, signal);
    more = page.more;
  }
}
