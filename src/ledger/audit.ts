import type { AuditRecord } from '../core/limit-record.ts';
import { type HistoryPage, type HistoryQuery, listHistory, trimHistory } from './history.ts';
import { keys, prefixes } from './keys.ts';
import { records } from './records.ts';
import type { Read, Store, Write } from './store.ts';
import { verdictId } from './verdicts.ts';

/** How many entries are remembered when nobody says. */
export const AUDIT_KEPT = 1_000;

export interface AuditEntry {
  readonly id: string;
  readonly record: AuditRecord;
}

export type AuditPage = HistoryPage<AuditRecord>;

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

const history = { prefix: prefixes.audit, key: keys.audit, codec: records.audit };

/** One page, newest first. */
export const listAudit = (
  read: Read,
  query: HistoryQuery,
  signal: AbortSignal,
): Promise<AuditPage> => listHistory(read, history, query, signal);

/** Drops the oldest entries beyond `most`. @returns how many went */
export const trimAudit = (
  store: Store,
  { most = AUDIT_KEPT }: { readonly most?: number },
  signal: AbortSignal,
): Promise<number> => trimHistory(store, { prefix: prefixes.audit, most }, signal);
