import type { AuditRecord } from '../core/limit-record.ts';
import type { BadRecord } from './errors.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import { records } from './records.ts';
import type { Read, Store, Write } from './store.ts';
import { verdictId } from './verdicts.ts';

/** How many entries are remembered when nobody says. */
export const AUDIT_KEPT = 1_000;

export interface AuditEntry {
  readonly id: string;
  readonly record: AuditRecord;
}

export interface AuditPage {
  /** Newest first. */
  readonly entries: readonly AuditEntry[];
  readonly faults: readonly BadRecord[];
  /** Hand it back as `before` for the page that follows; absent on the last one. */
  readonly next?: string;
}

/** Ids as the decision log has them: the smaller, the newer. @param random  text of [0-9a-z] */
export const auditId = verdictId;

/** The write that goes into the commit which the entry tells of: no change without its entry. */
export const auditWrite = ({ id, record }: AuditEntry): Write => ({
  put: keys.audit(id),
  value: records.audit.encode(record),
});

/** @throws BadRecord, LedgerUnreachable */
export async function getAudit(
  read: Read,
  id: string,
  signal: AbortSignal,
): Promise<AuditRecord | undefined> {
  const entry = await read.get(keys.audit(id), signal);
  return entry && records.audit.decode(entry);
}

/** One page, newest first; `limit` is within 1..1,000, default 50. */
export async function listAudit(
  read: Read,
  { before, limit = 50 }: { readonly before?: string; readonly limit?: number },
  signal: AbortSignal,
): Promise<AuditPage> {
  const after = before === undefined ? {} : { after: keys.audit(before) };
  const page = await read.range({ prefix: prefixes.audit, limit, ...after }, signal);
  const { good, faults } = records.audit.decodeAll(page.entries);
  const last = page.entries.at(-1);
  return {
    entries: good.map(({ key, record }) => ({ id: nameIn(prefixes.audit, key), record })),
    faults,
    ...(page.more && last ? { next: nameIn(prefixes.audit, last.key) } : {}),
  };
}

/** One commit holds 127 writes. */
const DROPPED_AT_ONCE = 100;

/**
 * Drops the oldest entries beyond `most`, a hundred at a time.
 *
 * @returns how many went
 */
export async function trimAudit(
  store: Store,
  { most = AUDIT_KEPT }: { readonly most?: number },
  signal: AbortSignal,
): Promise<number> {
  const kept = await store.range({ prefix: prefixes.audit, limit: most }, signal);
  const last = kept.entries.at(-1)?.key;
  if (!kept.more || last === undefined) return 0;
  let dropped = 0;
  for (let more = true; more;) {
    const query = { prefix: prefixes.audit, after: last, limit: DROPPED_AT_ONCE };
    const page = await store.range(query, signal);
    const writes = page.entries.map(({ key }) => ({ drop: key }));
    if (writes.length > 0) await store.commit({ guards: [], writes }, signal);
    dropped += writes.length;
    more = page.more;
  }
  return dropped;
}
