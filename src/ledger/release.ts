import { parseAddress } from '../core/address.ts';
import { givenBack, hasBit, maskOf } from '../core/block.ts';
import type { Place } from '../core/pool.ts';
import { placeOf, poolSpace } from '../core/pool.ts';
import type { LeaseRecord } from '../core/records.ts';
import { readBlock } from './blocks.ts';
import { keys } from './keys.ts';
import { spelled } from './lease-view.ts';
import type { LeaseOptions } from './leases.ts';
import { records } from './records.ts';
import type { Change, Read, Store } from './store.ts';
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

const COOL_DOWN_MS = 60_000;
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

async function decideRelease(
  read: Read,
  { node, address, incarnation }: Release,
  options: LeaseOptions,
): Promise<Decision<Released>> {
  const { signal } = options;
  const [tally, kept, limit] = await Promise.all(
    [keys.tally(node), keys.lease(node, address), keys.limit(node, address)].map((key) =>
      read.get(key, signal),
    ),
  );
  if (!kept) return unchanged({ released: false, why: 'absent' });
  const lease = records.lease.decode(kept);
  if (lease.incarnation !== incarnation)
    return unchanged({ released: false, why: 'other', incarnation: lease.incarnation });
  const block = await blockWithout(read, { node, address, lease }, options);
  const sums = tallied(
    tally ? records.tally.decode(tally) : EMPTY_TALLY,
    // a limit's key that someone spoilt must not keep an address from being given back
    { lease, limit: lease.counted ? undefined : limit && records.limit.decode(limit) },
    -1,
  );
  return {
    result: { released: true },
    guards: [
      { key: kept.key, revision: kept.revision },
      { key: keys.limit(node, address), revision: limit?.revision ?? 0 },
      { key: keys.tally(node), revision: tally?.revision ?? 0 },
      ...block.guards,
    ],
    writes: [
      { drop: kept.key },
      { drop: keys.limit(node, address) },
      { put: keys.tally(node), value: records.tally.encode(sums) },
      ...block.writes,
    ],
  };
}

const unchanged = (result: Released): Decision<Released> => ({ result, guards: [], writes: [] });

/**
 * The block without the address. When the pool is gone, or the block never said that the node held it,
 * the ledger was damaged: then the lease goes and the rest is left to the check.
 */
async function blockWithout(
  read: Read,
  { node, address, lease }: { node: string; address: string; lease: LeaseRecord },
  { clock, signal, coolDownMs = COOL_DOWN_MS }: LeaseOptions,
): Promise<Change> {
  const place = await placeIn(read, lease.pool, { address, signal });
  if (!place) return { guards: [], writes: [] };
  const block = await readBlock(read, { pool: lease.pool, n: place.block }, signal);
  if (!hasBit(maskOf(block.record, node), place.offset)) return { guards: [], writes: [] };
  const coolUntilMs = clock.now() + coolDownMs;
  const next = givenBack(block.record, { node, offset: place.offset, coolUntilMs });
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
