import { formatAddress, parseAddress } from '../core/address.ts';
import { hasBit, offsetsIn, spareOf, stocked, unstocked } from '../core/block.ts';
import { addressAt, isUsable, placeOf, poolSpace } from '../core/pool.ts';
import type { Spare } from './desk.ts';
import { readBlock } from './blocks.ts';
import { blockIn, keys, prefixes } from './keys.ts';
import { LedgerRebuilding, UnknownPool } from './lease-errors.ts';
import type { LeaseOptions } from './lease-options.ts';
import { addressOf, poolsFor, searchFresh } from './lease-search.ts';
import type { Asking, LeaseView, ReachedPool } from './lease-view.ts';
import { viewFor } from './lease-view.ts';
import { blockChange, lookOf } from './leases.ts';
import { listAll } from './listing.ts';
import { networkOf } from './pool-network.ts';
import { records } from './records.ts';
import type { Read } from './store.ts';
import { Overlay } from './overlay.ts';
import type { Decision } from './transact.ts';

export type StockAsk = Omit<Asking, 'network'> & { readonly pool: string; readonly count: number };

/**
 * Puts addresses in a node's stock: such as have rested as long as is usual, and as many as there are.
 *
 * @throws UnknownNode, UnknownPool, NoPoolReached, PoolNotReached, LedgerRebuilding, BadRecord
 */
export async function decideStock(
  read: Read,
  ask: StockAsk,
  options: LeaseOptions,
): Promise<Decision<readonly string[]>> {
  const { pool, count } = ask;
  const network = await networkOf(read, pool, options.signal);
  if (network === undefined) throw new UnknownPool(pool);
  if (await read.get(keys.rebuilding, options.signal)) throw new LedgerRebuilding();
  const overlay = new Overlay(read);
  const view = await viewFor(overlay, { ...ask, network }, options.signal);
  const look = lookOf(overlay, { ...ask, network }, options);
  const [reached] = poolsFor(look, view);
  overlay.add({ guards: [...view.guards, { key: keys.rebuilding, revision: 0 }], writes: [] });
  const addresses: string[] = [];
  while (reached && addresses.length < count) {
    const address = await stockOne(overlay, { look, view, pool: reached });
    if (address === undefined) break;
    addresses.push(address);
  }
  // Moved, so that whoever removes the node, having seen no stock, loses.
  const tally = { put: keys.tally(ask.node), value: records.tally.encode(view.tally) };
  if (addresses.length > 0) overlay.add({ guards: [], writes: [tally] });
  return { result: addresses, ...overlay.change() };
}

interface Stocking {
  readonly look: ReturnType<typeof lookOf>;
  readonly view: LeaseView;
  readonly pool: ReachedPool;
}

async function stockOne(
  overlay: Overlay,
  { look, view, pool }: Stocking,
): Promise<string | undefined> {
  const spot = await searchFresh(look, view, pool);
  if (!spot) return undefined;
  const { node, nowMs } = look;
  const found = { ...spot, pool };
  const { block, offset } = spot;
  look.homes?.set(pool.name, block.n);
  const value = records.block.encode(stocked(block.record, { node, offset, nowMs }));
  const change = blockChange(found, value);
  if (!overlay.holds(change)) return undefined;
  overlay.add(change);
  return addressOf(found);
}

export interface Unstocking {
  readonly node: string;
  readonly pool: string;
  readonly addresses: readonly string[];
}

/** Takes addresses out of a node's stock; those that are not in it stay as they are. */
export async function decideUnstock(
  read: Read,
  { node, pool, addresses }: Unstocking,
  { signal }: LeaseOptions,
): Promise<Decision<void>> {
  const [entry, tally] = await Promise.all([
    read.get(keys.pool(pool), signal),
    read.get(keys.tally(node), signal),
  ]);
  const guard = { key: keys.tally(node), revision: tally?.revision ?? 0 };
  const overlay = new Overlay(read);
  overlay.add({ guards: [guard], writes: [] });
  const space = entry && poolSpace(records.pool.decode(entry));
  for (const address of space ? addresses : []) {
    const { block: n, offset } = placeOf(space as NonNullable<typeof space>, parseAddress(address));
    const { record, revision } = await readBlock(overlay, { pool, n }, signal);
    if (!hasBit(spareOf(record, node), offset)) continue;
    const key = keys.block(pool, n);
    const value = records.block.encode(unstocked(record, { node, offset }));
    overlay.add({ guards: [{ key, revision }], writes: [{ put: key, value }] });
  }
  return { result: undefined, ...overlay.change() };
}

/** A node's stock, read anew. A pool or a block that does not read is passed over. */
export async function readSpares(
  read: Read,
  node: string,
  signal: AbortSignal,
): Promise<readonly Spare[]> {
  const [pools, blocks] = await Promise.all(
    [prefixes.pools, prefixes.blocks].map((prefix) => listAll(read, prefix, { signal })),
  );
  const spaces = new Map(
    records.pool
      .decodeAll(pools?.entries ?? [])
      .good.map(({ key, record }) => [key, poolSpace(record)]),
  );
  const stocking = (blocks?.entries ?? []).filter(({ value }) => value.includes('"spare"'));
  return records.block.decodeAll(stocking).good.flatMap(({ key, record }): Spare[] => {
    const at = blockIn(key);
    const space = at && spaces.get(keys.pool(at.pool));
    if (!space) return [];
    return offsetsIn(spareOf(record, node)).map((offset) => {
      const address = addressAt(space, { block: at.n, offset });
      const withheld = Object.hasOwn(record.quarantined, offset)
        ? record.quarantined[offset]
        : isUsable(space, address)
          ? undefined
          : 'its pool does not hand it out';
      return {
        pool: at.pool,
        address: formatAddress(address),
        ...(withheld !== undefined && { withheld }),
      };
    });
  });
}
