import { parseAddress } from '../core/address.ts';
import { BLOCK_SIZE, givenBack, maskOf } from '../core/block.ts';
import { hasBit } from '../core/mask.ts';
import type { Place, PoolSpace } from '../core/pool.ts';
import { isUsable, placeOf, poolSpace, sizeOf } from '../core/pool.ts';
import type { BlockRecord, LeaseRecord, TallyRecord } from '../core/lease-record.ts';
import { laidToRest, restingOfPool, restLimit } from '../core/reserve.ts';
import type { SeenBlock } from './blocks.ts';
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

export interface ReleaseOptions extends LeaseOptions {
  /** Default: it rests. */
  readonly giveUp?: GiveUp;
}

/** What releaseAddress commits. The address is in its one spelling; it rests, unless told otherwise. */
export async function decideRelease(
  read: Read,
  { node, address, incarnation }: Release,
  options: ReleaseOptions,
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
  options: ReleaseOptions,
): Promise<Decision<Released>> {
  const { node, address, lease, revision } = leased;
  const [tally, limit] = await Promise.all(
    [keys.tally(node), keys.limit(node, address)].map((key) => read.get(key, options.signal)),
  );
  const sums = tallied(
    tally ? records.tally.decode(tally) : EMPTY_TALLY,
    // a limit's key that someone spoilt must not keep an address from being given back
    { lease, limit: lease.counted ? undefined : limit && records.limit.decode(limit) },
    -1,
  );
  const { guards, writes, after = sums } = await addressGone(read, { ...leased, sums }, options);
  return {
    result: { released: true },
    guards: [
      { key: keys.lease(node, address), revision },
      { key: keys.limit(node, address), revision: limit?.revision ?? 0 },
      { key: keys.tally(node), revision: tally?.revision ?? 0 },
      ...guards,
    ],
    writes: [
      { drop: keys.lease(node, address) },
      { drop: keys.limit(node, address) },
      records.tally.draft(keys.tally(node), after),
      ...writes,
    ],
  };
}

interface Going extends Leased {
  /** The node's sums without the lease. */
  readonly sums: TallyRecord;
}

interface Gone extends Change {
  /** The node's tally once the address rests with it. */
  readonly after?: TallyRecord;
}

/**
 * Where the address goes: it rests with the node, or in its block. When the pool is gone, or the block never
 * said that the node had it, the ledger was damaged: then the lease goes and the rest is left to the check.
 */
async function addressGone(read: Read, going: Going, options: ReleaseOptions): Promise<Gone> {
  const { clock, signal, coolDownMs = COOL_DOWN_MS, giveUp } = options;
  const { node, address, lease } = going;
  const entry = await read.get(keys.pool(lease.pool), signal);
  if (!entry) return { guards: [], writes: [] };
  const space = poolSpace(records.pool.decode(entry));
  const place = placeOf(space, parseAddress(address));
  const block = await readBlock(read, { pool: lease.pool, n: place.block }, signal);
  if (!hasBit(maskOf(block.record, node), place.offset)) return { guards: [], writes: [] };
  const coolUntilMs = clock.now() + coolDownMs;
  if (options.restsHere === true && !giveUp && mayRest(going, { space, block, place }))
    return {
      guards: [{ key: entry.key, revision: entry.revision }],
      writes: [],
      after: laidToRest(going.sums, { ...place, pool: lease.pool }, coolUntilMs),
    };
  const at = { node, offset: place.offset };
  const next = giveUp?.(block.record, at) ?? givenBack(block.record, { ...at, coolUntilMs });
  const key = keys.block(lease.pool, place.block);
  return {
    guards: [{ key, revision: block.revision }],
    writes: [records.block.draft(key, next)],
  };
}

/** It can be had again, and the node has not too many at rest already. */
function mayRest(
  { address, lease, sums }: Going,
  {
    space,
    block,
    place,
  }: { readonly space: PoolSpace; readonly block: SeenBlock; readonly place: Place },
): boolean {
  const withheld = Object.hasOwn(block.record.quarantined, place.offset);
  if (withheld || !isUsable(space, parseAddress(address))) return false;
  const usable = Math.min(BLOCK_SIZE, sizeOf(space));
  return (
    restingOfPool(sums, lease.pool) <
    restLimit({ usable, sharers: Object.keys(block.record.held).length })
  );
}
