import { parseAddress, parseRange } from '../core/address.ts';
import { holderOf, maskOf } from '../core/block.ts';
import { hasBit } from '../core/mask.ts';
import { addressAt, isUsable, narrowed, placeOf } from '../core/pool.ts';
import type { BlockRecord, TallyRecord } from '../core/lease-record.ts';
import type { NetworkRecord } from '../core/topology-record.ts';
import { reservedOfPool } from '../core/reserve.ts';
import type { SeenBlocks, SeenTally, Spot } from './blocks.ts';
import {
  completed,
  fillOf,
  readBlock,
  readBlocks,
  spotForNewcomer,
  spotIn,
  spotRested,
} from './blocks.ts';
import { NoAddressLeft, PoolNotReached } from './lease-errors.ts';
import type { Found, Look } from './lease-found.ts';
import type { LeaseView, ReachedPool } from './lease-view.ts';

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
  { held, tally }: LeaseView,
  { name, space }: ReachedPool,
): Promise<Spot | undefined> {
  const { read, signal, nowMs } = look;
  const spotAt = async (n: bigint): Promise<Spot | undefined> =>
    spotIn(space, await readBlock(read, { pool: name, n }, signal), nowMs);
  const home = look.homes?.get(name);
  const there = home === undefined ? undefined : await spotAt(home);
  if (there) return there;
  const mine = [...held.all()].filter(({ lease }) => lease.pool === name);
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
