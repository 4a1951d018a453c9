import { formatAddress, parseAddress } from '../core/address.ts';
import { givenBack } from '../core/block.ts';
import type { PoolSpace } from '../core/pool.ts';
import { addressAt, isUsable, placeOf, poolSpace } from '../core/pool.ts';
import type { PoolPlace } from '../core/reserve.ts';
import { isKept, keeping, reservedOf, restsUntil, unreserved } from '../core/reserve.ts';
import type { Spare } from './desk.ts';
import { readBlock, readTally } from './blocks.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import { LedgerRebuilding, UnknownPool } from './lease-errors.ts';
import type { LeaseOptions } from './lease-options.ts';
import { poolsFor, searchFresh } from './lease-search.ts';
import { addressOf, placeIn } from './lease-found.ts';
import type { Asking } from './lease-view.ts';
import { viewFor } from './lease-view.ts';
import { lookOf } from './leases.ts';
import { ownership } from './lease-ownership.ts';
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
  overlay.add({ guards: [{ key: keys.rebuilding, revision: 0 }], writes: [] });
  const addresses: string[] = [];
  while (addresses.length < count) {
    const address = await stockOne(overlay, { ...ask, network }, options);
    if (address === undefined) break;
    addresses.push(address);
  }
  return { result: addresses, ...overlay.change() };
}

/** One more; undefined when there is none. Each is looked for in what the one before left behind. */
async function stockOne(
  overlay: Overlay,
  ask: StockAsk & { readonly network: string },
  options: LeaseOptions,
): Promise<string | undefined> {
  const view = await viewFor(overlay, ask, options.signal);
  overlay.add({ guards: view.guards, writes: [] });
  const look = lookOf(overlay, ask, options);
  const [pool] = poolsFor(look, view);
  const spot = pool && (await searchFresh(look, view, pool));
  if (!spot) return undefined;
  const { node } = ask;
  const found = { ...spot, pool };
  const { nowMs } = look;
  const { guards, writes } = ownership(found, { node, nowMs, tally: view.tally });
  const tally = records.tally.draft(keys.tally(node), keeping(view.tally, placeIn(found)));
  const change = { guards, writes: [...writes, tally] };
  if (!overlay.holds(change)) return undefined;
  overlay.add(change);
  if (spot.rival === undefined) look.homes?.set(pool.name, spot.block.n);
  return addressOf(found);
}

export interface Unstocking {
  readonly node: string;
  readonly pool: string;
  readonly addresses: readonly string[];
}

/** Gives back what a node has in reserve; what it has not so, or leases, stays as it is. */
export async function decideUnstock(
  read: Read,
  { node, pool, addresses }: Unstocking,
  { signal }: LeaseOptions,
): Promise<Decision<void>> {
  const [entry, tally] = await Promise.all([
    read.get(keys.pool(pool), signal),
    readTally(read, node, signal),
  ]);
  const overlay = new Overlay(read);
  const key = keys.tally(node);
  overlay.add({ guards: [{ key, revision: tally?.revision ?? 0 }], writes: [] });
  const space = entry && poolSpace(records.pool.decode(entry));
  for (const address of space && tally ? addresses : []) {
    const place = { pool, ...placeOf(space as PoolSpace, parseAddress(address)) };
    await putBack(overlay, { node, place }, signal);
  }
  return { result: undefined, ...overlay.change() };
}

/** Into its block, where it cools as long as it would have rested. */
export async function putBack(
  overlay: Overlay,
  { node, place }: { readonly node: string; readonly place: PoolPlace },
  signal: AbortSignal,
): Promise<void> {
  const { pool, block: n, offset } = place;
  const tally = await readTally(overlay, node, signal);
  const untilMs = tally && restsUntil(tally.record, place);
  if (!tally || (untilMs === undefined && !isKept(tally.record, place))) return;
  const block = await readBlock(overlay, { pool, n }, signal);
  const back = givenBack(block.record, {
    ...{ node, offset },
    ...(untilMs !== undefined && { coolUntilMs: untilMs }),
  });
  const [blockKey, tallyKey] = [keys.block(pool, n), keys.tally(node)];
  const change = {
    guards: [
      { key: blockKey, revision: block.revision },
      { key: tallyKey, revision: tally.revision },
    ],
    writes: [
      records.block.draft(blockKey, back),
      records.tally.draft(tallyKey, unreserved(tally.record, place)),
    ],
  };
  if (overlay.holds(change)) overlay.add(change);
}

/** What a node has in reserve, with the address. */
export interface ReservedAddress extends Spare {
  /** When it is at rest, and not kept. */
  readonly restsUntilMs?: number;
}

/** What a node has without a lease, read anew. Of a pool that is gone or does not read, nothing. */
export async function readReserve(
  read: Read,
  node: string,
  signal: AbortSignal,
): Promise<readonly ReservedAddress[]> {
  const tally = await readTally(read, node, signal);
  const reserved = tally ? reservedOf(tally.record) : [];
  const spaces = await spacesOf(read, new Set(reserved.map(({ pool }) => pool)), signal);
  const all = await Promise.all(
    reserved.map(async ({ pool, block: n, offset, restsUntilMs }) => {
      const space = spaces.get(pool);
      if (!space) return [];
      const address = addressAt(space, { block: n, offset });
      const { record } = await readBlock(read, { pool, n }, signal);
      const withheld = Object.hasOwn(record.quarantined, offset)
        ? record.quarantined[offset]
        : isUsable(space, address)
          ? undefined
          : 'its pool does not hand it out';
      return [
        {
          ...{ pool, address: formatAddress(address) },
          ...(withheld !== undefined && { withheld }),
          ...(restsUntilMs !== undefined && { restsUntilMs }),
        },
      ];
    }),
  );
  return all.flat();
}

async function spacesOf(
  read: Read,
  pools: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PoolSpace>> {
  const entries = await Promise.all([...pools].map((pool) => read.get(keys.pool(pool), signal)));
  const { good } = records.pool.decodeAll(entries.filter((entry) => entry !== undefined));
  return new Map(good.map(({ key, record }) => [nameIn(prefixes.pools, key), poolSpace(record)]));
}

/** A node's stock, read anew. */
export const readSpares = async (
  read: Read,
  node: string,
  signal: AbortSignal,
): Promise<readonly Spare[]> =>
  (await readReserve(read, node, signal)).filter(({ restsUntilMs }) => restsUntilMs === undefined);
