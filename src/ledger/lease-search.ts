import type { Address } from '../core/address.ts';
import { formatAddress, parseAddress, parseRange } from '../core/address.ts';
import { hasBit, holderOf, maskOf } from '../core/block.ts';
import { addressAt, isUsable, narrowed, placeOf } from '../core/pool.ts';
import type { BlockRecord, TallyRecord } from '../core/lease-record.ts';
import type { NetworkRecord } from '../core/topology-record.ts';
import type { PoolPlace } from '../core/reserve.ts';
import { isKept, reservedOfPool, restsUntil } from '../core/reserve.ts';
import type { SeenBlocks, SeenTally, Spot } from './blocks.ts';
import {
  completed,
  fillOf,
  readBlock,
  readBlocks,
  readTally,
  spotForNewcomer,
  spotIn,
  spotRested,
} from './blocks.ts';
import { AddressNotGiven, NoAddressLeft, NoPoolReached, PoolNotReached } from './lease-errors.ts';
import type { LeaseView, ReachedPool } from './lease-view.ts';
import { spelled } from './lease-view.ts';
import type { Read } from './store.ts';

/** What is looked for, and when. */
export interface Look {
  readonly read: Read;
  readonly node: string;
  readonly network: string;
  readonly pool?: string;
  readonly within?: { readonly from: string; readonly to: string };
  /** Where the last address of each pool was found. */
  readonly homes?: Map<string, bigint>;
  readonly nowMs: number;
  /** How long a released address rests, and how long it must have when nothing else is left, ms. */
  readonly restMs: { readonly usual: number; readonly pressed: number };
  readonly signal: AbortSignal;
}

export interface Found extends Spot {
  readonly pool: ReachedPool;
  /** The address was in this node's stock. */
  readonly spare?: boolean;
  /** It was given before it had rested as long as is usual. */
  readonly pressed?: boolean;
}

/** The pools to be searched, in the order of the network's policy. @throws PoolNotReached */
export function poolsFor(look: Look, view: LeaseView): readonly ReachedPool[] {
  const { pool, within } = look;
  const chosen = view.pools.filter(({ name }) => pool === undefined || name === pool);
  if (pool !== undefined && chosen.length === 0)
    throw new PoolNotReached(
      look.network,
      look.node,
      pool,
      view.pools.map(({ name }) => name),
    );
  const inOrder = filled(chosen, view);
  if (!within) return inOrder;
  const range = parseRange(within);
  return inOrder.map((one) => ({ ...one, space: narrowed(one.space, range) }));
}

/** `spread`: the pool of which this node holds least comes first; a tie keeps the network's order. */
function filled(
  pools: readonly ReachedPool[],
  { network, tally }: { network: NetworkRecord; tally: TallyRecord },
): readonly ReachedPool[] {
  if (network.fill !== 'spread') return pools;
  const held = ({ name }: ReachedPool): number =>
    Object.hasOwn(tally.pools, name) ? (tally.pools[name] ?? 0) : 0;
  return [...pools].sort((a, b) => held(a) - held(b));
}

/**
 * An address that nobody uses: one that rests with the node, else one near those that it has, else where few
 * look, else one that rests with another node, else one that has not rested as long as is usual.
 *
 * @throws NoAddressLeft
 */
export async function search(look: Look, view: LeaseView): Promise<Found> {
  const { nowMs } = look;
  const full: (Full & { readonly pool: ReachedPool })[] = [];
  for (const pool of poolsFor(look, view)) {
    const spot = await spotOf(look, view, pool);
    if ('block' in spot) return { ...spot, pool };
    full.push({ pool, ...spot });
  }
  const byMs = nowMs + Math.max(0, look.restMs.usual - look.restMs.pressed);
  for (const { pool, ...rest } of full) {
    const spot = spotRested(pool.space, rest.blocks, { nowMs, byMs });
    if (spot) return { ...ofRival(look, spot, rest), pool, pressed: true };
  }
  throw noneLeft(
    look,
    full.map(({ pool, blocks }) => fillOf(pool, blocks, nowMs)),
  );
}

interface Full {
  readonly blocks: SeenBlocks;
  readonly tallies: ReadonlyMap<string, SeenTally>;
}

/** A spot that has rested as long as is usual, or all the blocks, none of which has one. */
async function spotOf(look: Look, view: LeaseView, pool: ReachedPool): Promise<Spot | Full> {
  const near = (await spotAtRest(look, view, pool)) ?? (await spotNearby(look, view, pool));
  if (near) return near;
  const blocks = await readBlocks(look.read, pool.name, look.signal);
  const fresh = spotForNewcomer(pool.space, blocks, look);
  if (fresh) return fresh;
  const full = await completed(look.read, { pool: pool.name, blocks }, look.signal);
  for (const block of full.blocks.values()) {
    const spot = block === 'bad' ? undefined : spotIn(pool.space, block, look.nowMs);
    if (spot) return ofRival(look, spot, full);
  }
  return full;
}

/** The spot with the node that has it at rest, if that is another. */
function ofRival({ node }: Look, spot: Spot, { tallies }: Full): Spot {
  const holder = holderOf(spot.block.record, spot.offset);
  const rival = holder === undefined || holder === node ? undefined : tallies.get(holder);
  return rival ? { ...spot, rival } : spot;
}

/** What this node gave back and nobody has had since: no other node's commit can be in the way of it. */
async function spotAtRest(
  { read, node, nowMs, signal }: Look,
  { tally }: LeaseView,
  { name, space }: ReachedPool,
): Promise<Spot | undefined> {
  for (const { block: n, offset, restsUntilMs } of reservedOfPool(tally, name)) {
    if (restsUntilMs === undefined || restsUntilMs > nowMs) return undefined;
    if (!isUsable(space, addressAt(space, { block: n, offset }))) continue;
    const block = await readBlock(read, { pool: name, n }, signal);
    const isMine = hasBit(maskOf(block.record, node), offset);
    if (isMine && !isWithheld(block.record, offset)) return { block, offset };
  }
  return undefined;
}

const isWithheld = ({ quarantined }: BlockRecord, offset: number): boolean =>
  Object.hasOwn(quarantined, offset);

/** As `search` in one pool, but undefined when only addresses are left that have not rested. */
export async function searchFresh(
  look: Look,
  view: LeaseView,
  pool: ReachedPool,
): Promise<Spot | undefined> {
  const spot = await spotOf(look, view, pool);
  return 'block' in spot ? spot : undefined;
}

function noneLeft(
  { node, network, nowMs, restMs }: Look,
  fills: readonly ReturnType<typeof fillOf>[],
): NoAddressLeft {
  const nextMs = Math.min(...fills.map((fill) => fill.nextMs)) - (restMs.usual - restMs.pressed);
  const retryInMs = Number.isFinite(nextMs) ? Math.max(0, nextMs - nowMs) : undefined;
  return new NoAddressLeft(network, node, fills, retryInMs);
}

/** A spot in a block that the node already uses: the usual case, one read. */
async function spotNearby(
  look: Look,
  { leases, tally }: Pick<LeaseView, 'leases' | 'tally'>,
  { name, space }: ReachedPool,
): Promise<Spot | undefined> {
  const { read, signal, nowMs } = look;
  const spotAt = async (n: bigint): Promise<Spot | undefined> =>
    spotIn(space, await readBlock(read, { pool: name, n }, signal), nowMs);
  const home = look.homes?.get(name);
  const there = home === undefined ? undefined : await spotAt(home);
  if (there) return there;
  const mine = leases.filter(({ lease }) => lease.pool === name);
  const own = new Set([
    ...mine.map(({ address }) => placeOf(space, parseAddress(address)).block),
    ...reservedOfPool(tally, name).map(({ block }) => block),
  ]);
  for (const n of own) {
    const spot = n === home ? undefined : await spotAt(n);
    if (spot) return spot;
  }
  return undefined;
}

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

/** Where in its pool a spot is. */
export const placeIn = ({ pool, block, offset }: Found): PoolPlace => ({
  pool: pool.name,
  block: block.n,
  offset,
});

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

/** The address of a spot, spelled. */
export const addressOf = ({ pool, block, offset }: Found): string =>
  spelled(formatAddress(addressAt(pool.space, { block: block.n, offset })));
