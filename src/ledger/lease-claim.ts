import type { Address } from '../core/address.ts';
import { parseAddress } from '../core/address.ts';
import { holderOf } from '../core/block.ts';
import { isUsable, placeOf } from '../core/pool.ts';
import { isKept, restsUntil } from '../core/reserve.ts';
import { readBlock, readTally } from './blocks.ts';
import { AddressNotGiven, NoPoolReached } from './lease-errors.ts';
import { type Found, type Look, placeIn } from './lease-found.ts';
import { poolsFor } from './lease-search.ts';
import type { LeaseView, ReachedPool } from './lease-view.ts';

/** The very address that is asked for. @throws AddressNotGiven, PoolNotReached */
export async function claim(look: Look, view: LeaseView, address: string): Promise<Found> {
  const found = await locate(look, view, address);
  const why = obstacle(look, view, found);
  if (why !== undefined) throw new AddressNotGiven(address, why);
  return found;
}

/**
 * Where an address lies, whoever has it.
 *
 * @throws AddressNotGiven when no pool has it, PoolNotReached, NoPoolReached
 */
export async function locate(look: Look, view: LeaseView, address: string): Promise<Found> {
  const wanted = parseAddress(address);
  const kept = await keptBeyond(look, view, wanted);
  if (kept) return kept;
  const { beyond } = view;
  if (view.pools.length === 0)
    throw new NoPoolReached(
      look.network,
      look.node,
      beyond.map(({ name }) => name),
    );
  const pools = poolsFor(look, view);
  const pool = pools.find(({ space }) => isUsable(space, wanted));
  if (!pool) {
    const names = pools.map(({ name }) => name).join(', ');
    throw new AddressNotGiven(
      address,
      `it is in no range of network "${look.network}" that node "${look.node}" reaches (${names})`,
    );
  }
  return foundIn(look, view, { pool, wanted });
}

/** This node keeps it in stock, of a pool that it reached when it got it, and does no more. */
async function keptBeyond(
  look: Look,
  view: LeaseView,
  wanted: Address,
): Promise<Found | undefined> {
  const pool = view.beyond.find(
    ({ name, space }) => (look.pool === undefined || name === look.pool) && isUsable(space, wanted),
  );
  const found = pool && (await foundIn(look, view, { pool, wanted }));
  return found?.spare === true ? found : undefined;
}

async function foundIn(
  { read, node, signal }: Look,
  { tally }: LeaseView,
  { pool, wanted }: { readonly pool: ReachedPool; readonly wanted: Address },
): Promise<Found> {
  const { block: n, offset } = placeOf(pool.space, wanted);
  const block = await readBlock(read, { pool: pool.name, n }, signal);
  const found = { pool, block, offset };
  const holder = holderOf(block.record, offset);
  if (holder === node) return isKept(tally, placeIn(found)) ? { ...found, spare: true } : found;
  const rival = holder === undefined ? undefined : await readTally(read, holder, signal);
  return rival ? { ...found, rival } : found;
}

/** The node that has the address in a way that keeps it from everybody else; undefined when none does. */
export function userOf(node: string, { tally }: LeaseView, found: Found): string | undefined {
  const holder = holderOf(found.block.record, found.offset);
  if (holder === undefined) return undefined;
  const theirs = holder === node ? tally : found.rival?.record;
  return theirs && restsUntil(theirs, placeIn(found)) !== undefined ? undefined : holder;
}

function obstacle({ node }: Look, view: LeaseView, found: Found): string | undefined {
  if (found.spare === true) return undefined;
  const user = userOf(node, view, found);
  const theirs = found.rival?.record;
  if (user !== undefined && theirs && isKept(theirs, placeIn(found)))
    return 'another node keeps it in stock';
  if (user !== undefined) return `node "${user}" holds it`;
  const why = found.block.record.quarantined[String(found.offset)];
  return why === undefined ? undefined : `it is quarantined (${why})`;
}
