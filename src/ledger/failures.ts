import { createHash } from 'node:crypto';
import {
  type Failure,
  type FailureKind,
  failureGroup,
  type FailureRecord,
  minuteOf,
} from '../core/failure-record.ts';
import type { BadRecord } from './errors.ts';
import { type HistoryQuery, listHistory, trimHistory } from './history.ts';
import { keys, prefixes } from './keys.ts';
import { NoAddressLeft, NoBandwidthLeft, NoClassLeft } from './lease-errors.ts';
import { records } from './records.ts';
import type { Read, Store } from './store.ts';
import { verdictId } from './verdicts.ts';

/** How many records are remembered when nobody says. */
export const FAILURES_KEPT = 5_000;

export interface FailureEntry {
  readonly id: string;
  readonly record: FailureRecord;
}

export interface FailurePage {
  /** Newest minute first. */
  readonly failures: readonly FailureEntry[];
  readonly faults: readonly BadRecord[];
  /** Hand it back as `before` for the page that follows; absent on the last one. */
  readonly next?: string;
}

/** What a launch that was refused so could not have; undefined when it was no lack of room. */
export const shortageIn = (fault: unknown): FailureKind | undefined =>
  fault instanceof NoAddressLeft
    ? 'address'
    : fault instanceof NoClassLeft || fault instanceof NoBandwidthLeft
      ? 'bandwidth'
      : undefined;

/** Ids as the decision log has them, and the same for all failures that share a record. */
export const failureId = (failure: Failure): string =>
  verdictId(
    minuteOf(failure.atMs),
    createHash('sha256').update(failureGroup(failure)).digest('hex').slice(0, 12),
  );

const history = { prefix: prefixes.failures, key: keys.failure, codec: records.failure };

/** One page, newest minute first. */
export async function listFailures(
  read: Read,
  query: HistoryQuery,
  signal: AbortSignal,
): Promise<FailurePage> {
  const { entries: failures, ...rest } = await listHistory(read, history, query, signal);
  return { failures, ...rest };
}

const READ_AT_ONCE = 500;

/** Every record that has failures at or after `sinceMs`, newest minute first, `most` of them at most. */
export async function failuresSince(
  read: Read,
  { sinceMs, most = FAILURES_KEPT }: { readonly sinceMs: number; readonly most?: number },
  signal: AbortSignal,
): Promise<readonly FailureEntry[]> {
  const found: FailureEntry[] = [];
  const end = verdictId(minuteOf(sinceMs), '~'); // sorts behind all of that minute
  for (let before: string | undefined, more = true; more && found.length < most;) {
    const query = { limit: READ_AT_ONCE, ...(before !== undefined && { before }) };
    const page = await listFailures(read, query, signal);
    found.push(...page.failures.filter(({ id, record }) => id <= end && record.atMs >= sinceMs));
    before = page.next;
    more = before !== undefined && before <= end;
  }
  return found.slice(0, most);
}

/** Drops the oldest records beyond `most`. @returns how many went */
export const trimFailures = (
  store: Store,
  { most = FAILURES_KEPT }: { readonly most?: number },
  signal: AbortSignal,
): Promise<number> => trimHistory(store, { prefix: prefixes.failures, most }, signal);
