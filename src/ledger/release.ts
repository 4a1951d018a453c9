import { parseAddress } from '../core/address.ts';
import { givenBack, hasBit, maskOf } from '../core/block.ts';
import type { Place } from '../core/pool.ts';
import { placeOf, poolSpace } from '../core/pool.ts';
import type { BlockRecord, LeaseRecord } from '../core/records.ts';
import { readBlock } from './blocks.ts';
import { keys } from './keys.ts';
import { spelled } from './lease-view.ts';
import { COOL_DOWN_MS, type LeaseOptions } from './lease-options.ts';
import { records } from './records.ts';
import type { Change, Read, Revision, Store } from './store.ts';
import { EMPTY_TALLY, tallied } from './tally.ts';
import type { Decision } from './transact.ts';
import { transact } from './transact.ts';

export interface Release {
  readonly node: string;
  readonly address: string;
  /** Of the lease that is meant. */
  readonly incarnation: string;
}

/** `absent`: nothing was there, which is success. `other`: a later holder has it; nothing changed. */
export type Released =
  | { readonly released: true }
  | { readonly released: false; readonly why: 'absent' }
  | { readonly released: false; readonly why: 'other'; readonly incarnation: string };

const ATTEMPTS = 64;

/**
 * Gives an address back: the mirror image of takeAddress. It rests for `coolDownMs` before anyone gets
 * it again.
 *
 * @throws BadAddress, BadRecord, LedgerBusy, LedgerUnreachable
 */
export function releaseAddress(
  store: Store,
  release: Release,
  options: LeaseOptions,
): Promise<Released> {
  const named = { ...release, address: spelled(release.address) };
  return transact(store, (read) => decideRelease(read, named, options), {
    attempts: ATTEMPTS,
    ...options,
  });
}

/** What a block becomes when a node gives up an address of it. */
export type GiveUp = (block: BlockRecord, at: { node: string; offset: number }) => BlockRecord;

/** What releaseAddress commits. The address is in its one spelling; it rests, unless told otherwise. */
export async function decideRelease(
  read: Read,
  { node, address, incarnation }: Release,
  options: LeaseOptions & { readonly giveUp?: GiveUp },
): Promise<Decision<Released>> {
  const kept = await read.get(keys.lease(node, address), options.signal);
  const unchanged = (result: Released): Decision<Released> => ({
    result,
    guards: [{ key: keys.lease(node, address), revision: kept?.revision ?? 0 }],
    writes: [],
  });
  if (!kept) return unchanged({ released: false, why: 'absent' });
  const lease = records.lease.decode(kept);
  if (lease.incarnation !== incarnation)
    return unchanged({ released: false, why: 'other', incarnation: lease.incarnation });
  return withoutLease(read, { node, address, lease, revision: kept.revision }, options);
}

interface Leased {
  readonly node: string;
  readonly address: string;
  readonly lease: LeaseRecord;
  readonly revision: Revision;
}

async function withoutLease(
  read: Read,
  leased: Leased,
  options: LeaseOptions & { readonly giveUp?: GiveUp },
): Promise<Decision<Released>> {
  const { node, address, lease, revision } = leased;
  const [tally, limit] = await Promise.all(
    [keys.tally(node), keys.limit(node, address)].map((key) => read.get(key, options.signal)),
  );
  const block = await blockWithout(read, leased, options);
  const sums = tallied(
    tally ? records.tally.decode(tally) : EMPTY_TALLY,
    // a limit's key that someone spoilt must not keep an address from being given back
    { lease, limit: lease.counted ? undefined : limit && records.limit.decode(limit) },
    -1,
  );
  return {
    result: { released: true },
    guards: [
      { key: keys.lease(node, address), revision },
      { key: keys.limit(node, address), revision: limit?.revision ?? 0 },
      { key: keys.tally(node), revision: tally?.revision ?? 0 },
      ...block.guards,
    ],
    writes: [
      { drop: keys.lease(node, address) },
      { drop: keys.limit(node, address) },
      { put: keys.tally(node), value: records.tally.encode(sums) },
      ...block.writes,
    ],
  };
}

/**
 * The block without the address. When the pool is gone, or the block never said that the node held it,
 * the ledger was damaged: then the lease goes and the rest is left to the check.
 */
async function blockWithout(
  read: Read,
  { node, address, lease }: Leased,
  options: LeaseOptions & { readonly giveUp?: GiveUp },
): Promise<Change> {
  const { clock, signal, coolDownMs = COOL_DOWN_MS } = options;
  const rest: GiveUp = (record, at) =>
    givenBack(record, { ...at, coolUntilMs: clock.now() + coolDownMs });
  const place = await placeIn(read, lease.pool, { address, signal });
  if (!place) return { guards: [], writes: [] };
  const block = await readBlock(read, { pool: lease.pool, n: place.block }, signal);
  if (!hasBit(maskOf(block.record, node), place.offset)) return { guards: [], writes: [] };
  const next = (options.giveUp ?? rest)(block.record, { node, offset: place.offset });
  const key = keys.block(lease.pool, place.block);
  return {
    guards: [{ key, revision: block.revision }],
    writes: [{ put: key, value: records.block.encode(next) }],
  };
}

async function placeIn(
  read: Read,
  pool: string,
  { address, signal }: { address: string; signal: AbortSignal },
): Promise<Place | undefined> {
  const entry = await read.get(keys.pool(pool), signal);
  return entry && placeOf(poolSpace(records.pool.decode(entry)), parseAddress(address));
}
