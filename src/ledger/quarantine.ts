import { formatAddress, parseAddress } from '../core/address.ts';
import { givenBack, hasBit, quarantined, unquarantined, unstocked } from '../core/block.ts';
import { addressAt, isUsable, placeOf, poolSpace } from '../core/pool.ts';
import type { BlockRecord } from '../core/records.ts';

import type { SeenBlock } from './blocks.ts';
import { readBlock, readBlocks } from './blocks.ts';
import { keys } from './keys.ts';
import { AddressNotInPool, UnknownPool } from './lease-errors.ts';
import type { LeaseOptions } from './lease-options.ts';
import type { ReachedPool } from './lease-view.ts';
import { spelled } from './lease-view.ts';
import { blockChange } from './leases.ts';
import { records } from './records.ts';
import type { GiveUp } from './release.ts';
import { decideRelease } from './release.ts';
import type { Read, Store } from './store.ts';
import type { Decision } from './transact.ts';
import { transact } from './transact.ts';

export interface PoolAddress {
  readonly pool: string;
  readonly address: string;
}

export interface Quarantined extends PoolAddress {
  readonly why: string;
  /** The node that still has it: it is withheld once that gives it back. */
  readonly holder?: string;
}

/** Whose lease or spare is given up with it; absent: whoever has it keeps it until they give it back. */
export interface QuarantineOptions extends LeaseOptions {
  readonly node?: string;
}

/**
 * Withholds an address from everyone until `unquarantine`. Done already is success.
 *
 * @throws UnknownPool, AddressNotInPool, BadAddress, BadRecord, LedgerBusy, LedgerUnreachable
 */
export const quarantine = (
  store: Store,
  at: PoolAddress,
  why: string,
  options: QuarantineOptions,
): Promise<void> =>
  transact(store, (read) => decideQuarantine(read, { ...at, why }, options), options);

/** The address may be given out again, at once. Done already is success. @throws as quarantine */
export const unquarantine = (store: Store, at: PoolAddress, options: LeaseOptions): Promise<void> =>
  transact(store, (read) => decideUnquarantine(read, at, options), options);

/** What is withheld in a pool, by address. A block that does not read is passed over. */
export async function quarantinedIn(
  read: Read,
  pool: ReachedPool,
  signal: AbortSignal,
): Promise<readonly Quarantined[]> {
  const blocks = await readBlocks(read, pool.name, signal);
  return [...blocks.values()].flatMap((block) =>
    block === 'bad' ? [] : quarantinedOf(pool, block),
  );
}

function quarantinedOf({ name, space }: ReachedPool, { n, record }: SeenBlock): Quarantined[] {
  const has = [...Object.entries(record.held), ...Object.entries(record.spare ?? {})];
  return Object.entries(record.quarantined).map(([key, why]) => {
    const offset = Number(key);
    const holder = has.find(([, mask]) => hasBit(mask, offset))?.[0];
    const address = formatAddress(addressAt(space, { block: n, offset }));
    return { pool: name, address, why, ...(holder !== undefined && { holder }) };
  });
}

export async function decideQuarantine(
  read: Read,
  { pool, address, why }: PoolAddress & { readonly why: string },
  options: QuarantineOptions,
): Promise<Decision<void>> {
  const found = await placed(read, { pool, address }, options);
  const { node } = options;
  const withhold = (record: BlockRecord): BlockRecord => quarantined(record, found.offset, why);
  if (node === undefined) return changed(found, withhold);
  const given = await givenUp(read, { node, address: spelled(address) }, { ...options, why });
  if (given) return given;
  const tally = await read.get(keys.tally(node), options.signal);
  const { guards, ...rest } = changed(found, (record) =>
    withhold(unstocked(record, { node, offset: found.offset })),
  );
  return {
    ...rest,
    guards: [...guards, { key: keys.tally(node), revision: tally?.revision ?? 0 }],
  };
}

/** The node's lease of it ends, and the address goes from the lease into quarantine. */
async function givenUp(
  read: Read,
  { node, address }: { readonly node: string; readonly address: string },
  options: LeaseOptions & { readonly why: string },
): Promise<Decision<void> | undefined> {
  const lease = await read.get(keys.lease(node, address), options.signal);
  if (!lease) return undefined;
  const { incarnation } = records.lease.decode(lease);
  const giveUp: GiveUp = (record, { offset }) =>
    quarantined(givenBack(record, { node, offset, coolUntilMs: 0 }), offset, options.why);
  const released = await decideRelease(
    read,
    { node, address, incarnation },
    { ...options, giveUp },
  );
  return { ...released, result: undefined };
}

export async function decideUnquarantine(
  read: Read,
  at: PoolAddress,
  options: LeaseOptions,
): Promise<Decision<void>> {
  const found = await placed(read, at, options);
  return changed(found, (record) => unquarantined(record, found.offset));
}

interface Placed {
  readonly pool: ReachedPool;
  readonly block: SeenBlock;
  readonly offset: number;
}

async function placed(
  read: Read,
  { pool, address }: PoolAddress,
  { signal }: LeaseOptions,
): Promise<Placed> {
  const entry = await read.get(keys.pool(pool), signal);
  if (!entry) throw new UnknownPool(pool);
  const record = records.pool.decode(entry);
  const space = poolSpace(record);
  const value = parseAddress(address);
  if (!isUsable(space, value)) throw new AddressNotInPool(address, pool);
  const { block: n, offset } = placeOf(space, value);
  const block = await readBlock(read, { pool, n }, signal);
  return { pool: { name: pool, record, space, revision: entry.revision }, block, offset };
}

function changed(found: Placed, change: (record: BlockRecord) => BlockRecord): Decision<void> {
  const { block } = found;
  const value = records.block.encode(change(block.record));
  const same = block.revision > 0 && value === records.block.encode(block.record);
  const { guards, writes } = blockChange(found, value);
  return { result: undefined, guards, writes: same ? [] : writes };
}
