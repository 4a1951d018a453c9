import { formatAddress, parseAddress } from '../core/address.ts';
import { givenBack, holderOf, quarantined, unquarantined } from '../core/block.ts';
import { hasBit } from '../core/mask.ts';
import { addressAt, isUsable, placeOf, poolSpace } from '../core/pool.ts';
import type { BlockRecord } from '../core/lease-record.ts';
import { restsUntil, unreserved } from '../core/reserve.ts';
import type { SeenBlock } from './blocks.ts';
import { readBlock, readTally, readWholeBlocks } from './blocks.ts';
import { keys } from './keys.ts';
import { AddressNotInPool, UnknownPool } from './lease-errors.ts';
import type { LeaseOptions } from './lease-options.ts';
import type { ReachedPool } from './lease-view.ts';
import { spelled } from './lease-view.ts';
import { blockChange, touch } from './lease-ownership.ts';
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
  const blocks = await readWholeBlocks(read, pool.name, signal);
  return [...blocks.values()].flatMap((block) =>
    block === 'bad' ? [] : quarantinedOf(pool, block),
  );
}

function quarantinedOf(
  { name, space }: ReachedPool,
  { n, record, whole = record }: SeenBlock,
): Quarantined[] {
  const has = [...Object.entries(whole.held), ...Object.entries(whole.spare ?? {})];
  return Object.entries(whole.quarantined).map(([key, why]) => {
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
  const given =
    node === undefined
      ? undefined
      : await givenUp(read, { node, address: spelled(address) }, { ...options, why });
  if (given) return moving(given, found.pool);
  const holder = holderOf(found.block.record, found.offset);
  const tally = holder === undefined ? undefined : await readTally(read, holder, options.signal);
  const place = { pool, block: found.block.n, offset: found.offset };
  if (!tally || (holder !== node && restsUntil(tally.record, place) === undefined))
    return changed(found, withhold);
  const { guards, writes } = changed(found, (record) =>
    withhold(givenBack(record, { node: tally.node, offset: found.offset })),
  );
  const key = keys.tally(tally.node);
  const value = records.tally.encode(unreserved(tally.record, place));
  return {
    result: undefined,
    guards: [...guards, { key, revision: tally.revision }],
    writes: [...writes, { put: key, value }],
  };
}

/** Who rests an address here guards the pool, so what withholds one moves the pool. */
const moving = (decision: Decision<void>, pool: ReachedPool): Decision<void> => ({
  ...decision,
  guards: [...decision.guards, { key: keys.pool(pool.name), revision: pool.revision }],
  writes: [...decision.writes, touch(pool)],
});

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
  const next = change(block.record);
  const same =
    block.revision > 0 && records.block.encode(next) === records.block.encode(block.record);
  const { guards, writes } = blockChange(found, next, { movesPool: true });
  return { result: undefined, guards, writes: same ? [] : writes };
}
