import { sameLimit } from '../core/limit-edit.ts';
import type { CountedLimit, LeaseRecord } from '../core/lease-record.ts';
import type { LimitRecord, LimitState, LimitStatusRecord } from '../core/limit-record.ts';
import type { BadRecord } from './errors.ts';
import { holdingOf, prefixes } from './keys.ts';
import type { Holding } from './limit-change.ts';
import { listAll } from './listing.ts';
import type { Codec } from './records.ts';
import { records } from './records.ts';
import type { Read } from './store.ts';

/**
 * `given`: as it was at the container's start. `pending`: written, and the node's agent said nothing about
 * it yet.
 */
export type LimitStanding = LimitState | 'given' | 'pending';

/** One lease's limit with all that is known of it. */
export interface LimitSeen extends Holding {
  readonly lease: LeaseRecord;
  /** In force; absent when the ledger was damaged. */
  readonly counted?: CountedLimit;
  readonly state: LimitStanding;
  readonly reason?: string;
  /** The audit's entry of the last edit that is in force, and when that was. */
  readonly edit?: string;
  readonly editedMs?: number;
}

export interface LimitList {
  /** In order of node and address as their keys are. */
  readonly limits: readonly LimitSeen[];
  readonly faults: readonly BadRecord[];
}

/** The limits of one node, or of all. */
export async function listLimits(
  read: Read,
  { node }: { readonly node?: string | undefined },
  signal: AbortSignal,
): Promise<LimitList> {
  const faults: BadRecord[] = [];
  const side = async <Record>(under: Under, codec: Codec<Record>): Promise<Map<string, Record>> => {
    const prefix = node === undefined ? prefixes[under.all] : prefixes[under.one](node);
    const { entries } = await listAll(read, prefix, { signal });
    const decoded = codec.decodeAll(entries);
    if (under !== UNDER.limits) faults.push(...decoded.faults);
    const places = decoded.good.flatMap(({ key, record }): [string, Record][] => {
      const place = holdingOf(prefixes[under.all], key);
      return place ? [[idOf(place), record]] : [];
    });
    return new Map(places);
  };
  const leases = await side(UNDER.leases, records.lease);
  const limits = await side(UNDER.limits, records.limit);
  const statuses = await side(UNDER.statuses, records.limitStatus);
  const seen = [...leases].map(([id, lease]) =>
    limitSeen(placeIn(id), lease, { record: limits.get(id), status: statuses.get(id) }),
  );
  return { limits: seen, faults };
}

const UNDER = {
  leases: { all: 'leases', one: 'leasesOf' },
  limits: { all: 'limits', one: 'limitsOf' },
  statuses: { all: 'limitStatuses', one: 'limitStatusesOf' },
} as const;
type Under = (typeof UNDER)[keyof typeof UNDER];

const idOf = ({ node, address }: Holding): string => `${node} ${address}`;
const placeIn = (id: string): Holding => {
  const [node = '', address = ''] = id.split(' ');
  return { node, address };
};

interface Said {
  /** What stands under the limit's key, when it reads. */
  readonly record: LimitRecord | undefined;
  readonly status: LimitStatusRecord | undefined;
}

export function limitSeen(place: Holding, lease: LeaseRecord, said: Said): LimitSeen {
  const { counted = said.record } = lease;
  const edited = counted && editIn(said.record, counted);
  return {
    ...place,
    lease,
    ...(counted && { counted }),
    ...standingIn(edited, said.status),
    ...edited,
  };
}

type LastEdit = Pick<LimitSeen, 'edit' | 'editedMs'>;

/** Undefined while the key says something else than what is in force. */
function editIn(record: LimitRecord | undefined, counted: CountedLimit): LastEdit | undefined {
  if (!record || !sameLimit(record, counted)) return undefined;
  const { edit, editedMs } = record;
  return { ...(edit !== undefined && { edit }), ...(editedMs !== undefined && { editedMs }) };
}

function standingIn(
  edited: LastEdit | undefined,
  status: LimitStatusRecord | undefined,
): Pick<LimitSeen, 'state' | 'reason'> {
  if (!edited || (edited.edit !== undefined && edited.edit !== status?.edit))
    return { state: 'pending' };
  if (!status) return { state: 'given' };
  const { state, reason } = status;
  return reason === undefined ? { state } : { state, reason };
}
