import type { CountedLimit, LeaseRecord, TallyRecord } from '../core/lease-record.ts';
import type { LimitRecord } from '../core/limit-record.ts';
import { keys } from './keys.ts';
import { records } from './records.ts';
import type { Change, Entry, Read, Revision } from './store.ts';
import { asCounted, EMPTY_TALLY, tallied } from './tally.ts';

export interface Holding {
  readonly node: string;
  readonly address: string;
}

/** A lease and what stands under its limit's key, which may be anything. */
export interface SeenLimit extends Holding {
  readonly lease: LeaseRecord;
  readonly leaseRevision: Revision;
  /** In force. */
  readonly counted: CountedLimit;
  /** The limit's key; absent when somebody dropped it. */
  readonly written?: Entry;
}

/** Undefined when there is no lease. @throws BadRecord when nobody can say which limit is in force */
export async function seeLimit(
  read: Read,
  { node, address }: Holding,
  signal: AbortSignal,
): Promise<SeenLimit | undefined> {
  const [entry, written] = await Promise.all([
    read.get(keys.lease(node, address), signal),
    read.get(keys.limit(node, address), signal),
  ]);
  if (!entry) return undefined;
  const lease = records.lease.decode(entry);
  const counted = lease.counted ?? (written && asCounted(records.limit.decode(written)));
  if (!counted) return undefined;
  const seen = { node, address, lease, leaseRevision: entry.revision, counted };
  return written ? { ...seen, written } : seen;
}

/** The limit's record when it reads and says what is in force. */
export function soundRecord({ written, counted }: SeenLimit): LimitRecord | undefined {
  const { good } = records.limit.decodeAll(written ? [written] : []);
  const record = good[0]?.record;
  return record && isCounted(record, counted) ? record : undefined;
}

const isCounted = (record: LimitRecord, counted: CountedLimit): boolean =>
  record.netInKbit === counted.netInKbit &&
  record.netOutKbit === counted.netOutKbit &&
  record.classMinor === counted.classMinor &&
  record.forced === counted.forced;

export interface SeenTally {
  readonly tally: TallyRecord;
  readonly revision: Revision;
}

export async function seeTally(read: Read, node: string, signal: AbortSignal): Promise<SeenTally> {
  const entry = await read.get(keys.tally(node), signal);
  return {
    tally: entry ? records.tally.decode(entry) : EMPTY_TALLY,
    revision: entry?.revision ?? 0,
  };
}

/** The sums with another limit of a lease in force. */
export function moved(tally: TallyRecord, seen: SeenLimit, next: CountedLimit): TallyRecord {
  const { lease, counted } = seen;
  const without = tallied(tally, { lease: { ...lease, counted }, limit: undefined }, -1);
  return tallied(without, { lease: { ...lease, counted: next }, limit: undefined }, 1);
}

/** Lease and limit with `next` in force; the sums are the caller's, since they are the node's. */
export function inForce(
  { node, address, lease, leaseRevision, written }: SeenLimit,
  next: CountedLimit,
  edited: Pick<LimitRecord, 'edit' | 'editedMs'>,
): Change {
  const limit: LimitRecord = { v: 1, ...next, ...edited };
  const lived: LeaseRecord = { ...lease, counted: next };
  return {
    guards: [
      { key: keys.lease(node, address), revision: leaseRevision },
      { key: keys.limit(node, address), revision: written?.revision ?? 0 },
    ],
    writes: [
      { put: keys.lease(node, address), value: records.lease.encode(lived) },
      { put: keys.limit(node, address), value: records.limit.encode(limit) },
    ],
  };
}

/** Where a limit is and whose, as the audit and answers say it. */
export const placeOf = ({ node, address, lease: { container, app } }: SeenLimit) => ({
  node,
  address,
  ...(container !== undefined && { container }),
  ...(app !== undefined && { app }),
});
