import type { CountedLimit, LeaseRecord, TallyRecord } from '../core/lease-record.ts';
import type { LimitRecord } from '../core/limit-record.ts';
import { sameRecord } from '../core/topology-diff.ts';
import { BadRecord } from './errors.ts';
import { keys } from './keys.ts';
import { records } from './records.ts';
import type { Change, Entry, Read, Revision } from './store.ts';
import { asCounted, EMPTY_TALLY, tallied } from './tally.ts';

/** A lease with what hangs on it. */
export interface Holding {
  readonly node: string;
  readonly address: string;
  readonly lease: LeaseRecord;
  readonly revision: Revision;
  /** Absent when there is none, or none that reads. */
  readonly limit?: LimitRecord;
  readonly limitRevision: Revision;
  readonly tally: TallyRecord;
  readonly tallyRevision: Revision;
}

/** @returns undefined when the node has no lease of the address @throws BadRecord */
export async function readHolding(
  read: Read,
  { node, address }: { readonly node: string; readonly address: string },
  signal: AbortSignal,
): Promise<Holding | undefined> {
  const [tally, lease, limit] = await Promise.all(
    [keys.tally(node), keys.lease(node, address), keys.limit(node, address)].map((key) =>
      read.get(key, signal),
    ),
  );
  if (!lease) return undefined;
  const written = limit && readable(limit);
  return {
    node,
    address,
    lease: records.lease.decode(lease),
    revision: lease.revision,
    ...(written && { limit: written }),
    limitRevision: limit?.revision ?? 0,
    tally: tally ? records.tally.decode(tally) : EMPTY_TALLY,
    tallyRevision: tally?.revision ?? 0,
  };
}

/** Anyone may write a limit's key, and must not thereby keep a lease from being completed. */
function readable(limit: Entry): LimitRecord | undefined {
  try {
    return records.limit.decode(limit);
  } catch (fault) {
    if (fault instanceof BadRecord) return undefined;
    throw fault;
  }
}

export interface Rates {
  readonly netInKbit?: number | undefined;
  readonly netOutKbit?: number | undefined;
}

export interface Revised extends Change {
  /** As it will be. */
  readonly lease: LeaseRecord;
}

/**
 * The commit that makes a lease say something else, its tally with it. What its app asks for becomes its
 * limit, unless a person has set that.
 */
export function revised(holding: Holding, says: LeaseRecord, rates: Rates): Revised {
  const { node, address, lease, revision, limit } = holding;
  const guards = [
    { key: keys.lease(node, address), revision },
    { key: keys.tally(node), revision: holding.tallyRevision },
  ];
  const counted = countedBy(holding, rates);
  const next = { ...says, ...askedOf(lease, rates), ...(counted && { counted }) };
  if (sameRecord(next, lease)) return { lease, guards, writes: [] };
  const without = tallied(holding.tally, { lease, limit }, -1);
  const tally = tallied(without, { lease: next, limit }, 1);
  const written = limitChange(holding, counted);
  return {
    lease: next,
    guards: [...guards, ...written.guards],
    writes: [
      records.lease.draft(keys.lease(node, address), next),
      records.tally.draft(keys.tally(node), tally),
      ...written.writes,
    ],
  };
}

/** The limit in force once the app's wish is heeded. */
function countedBy({ lease, limit }: Holding, rates: Rates): CountedLimit | undefined {
  const counted = lease.counted ?? (limit && asCounted(limit));
  if (!counted || !limit || isWish(limit, counted)) return counted;
  const { netInKbit = counted.netInKbit, netOutKbit = counted.netOutKbit } = rates;
  return { ...counted, netInKbit, netOutKbit };
}

/** A person wrote the limit's key; the agent may have taken it up or not. */
const isWish = (limit: LimitRecord, counted: CountedLimit): boolean =>
  limit.edit !== undefined || !sameRecord(asCounted(limit), counted);

/** A limit's key says what is in force, unless a person wrote it or it does not read. */
function limitChange(
  { node, address, lease, limit, limitRevision }: Holding,
  counted: CountedLimit | undefined,
): Change {
  if (!limit || !counted || isWish(limit, lease.counted ?? counted))
    return { guards: [], writes: [] };
  if (sameRecord(asCounted(limit), counted)) return { guards: [], writes: [] };
  const key = keys.limit(node, address);
  return {
    guards: [{ key, revision: limitRevision }],
    writes: [{ put: key, value: records.limit.encode({ ...limit, ...counted }) }],
  };
}

function askedOf(
  { asked: before }: LeaseRecord,
  { netInKbit, netOutKbit }: Rates,
): Pick<LeaseRecord, 'asked'> {
  const asked = {
    ...before,
    ...(netInKbit !== undefined && { netInKbit }),
    ...(netOutKbit !== undefined && { netOutKbit }),
  };
  return Object.keys(asked).length > 0 ? { asked } : {};
}
