import type { WholeBlock } from './block.ts';
import type { Mask } from './mask.ts';
import { maskOf } from './block.ts';
import { hasBit, maskOfOffsets, minus, NO_BITS, offsetsIn, withBit, withoutBit } from './mask.ts';
import type { Place } from './pool.ts';
import type { BlockRecord, Reserve, TallyRecord } from './lease-record.ts';

/**
 * What a node has without a lease, so that its next leases touch nothing but its own keys.
 *
 * A block says whose an address is; what that node does with it stands in the node's tally. Three rules
 * keep it sound:
 *
 * 1. An address is one node's, by its block. Whoever takes it from the block, gives it back to the block or
 *    takes it from another node writes the block and the tally of each node concerned, in one commit.
 * 2. What a node has is leased, kept or at rest, one of them exactly. Only its tally's commits change which,
 *    and the block's key stays as it is: rivals for other addresses of the block do not collide with them.
 * 3. What is withheld from everyone stands in the block, and changing it moves the pool's key, by which
 *    every such commit is guarded.
 *
 * What is *kept* may be handed out at any moment, before the ledger hears of it: nobody else may have it.
 * What is *at rest* was given back. It is its node's first, and anybody's once its rest is over.
 */
const NONE: Reserve = {};

type Reserves = NonNullable<TallyRecord['reserve']>;

/** An address of a pool, by its place. */
export interface PoolPlace extends Place {
  readonly pool: string;
}

/** What a node has without a lease of one block. Pools may be named `constructor`: only own keys count. */
export function reserveIn({ reserve = {} }: TallyRecord, pool: string, block: bigint): Reserve {
  const blocks = Object.hasOwn(reserve, pool) ? (reserve[pool] ?? {}) : {};
  return blocks[String(block)] ?? NONE;
}

export const isKept = (tally: TallyRecord, { pool, block, offset }: PoolPlace): boolean =>
  hasBit(reserveIn(tally, pool, block).kept ?? NO_BITS, offset);

/** Until when an address that is at rest is not given out, ms; undefined when it is not at rest. */
export const restsUntil = (
  tally: TallyRecord,
  { pool, block, offset }: PoolPlace,
): number | undefined => reserveIn(tally, pool, block).resting?.[String(offset)];

/** Kept or at rest: the node's, and nobody's lease. */
export const isReserved = (tally: TallyRecord, place: PoolPlace): boolean =>
  isKept(tally, place) || restsUntil(tally, place) !== undefined;

/** The tally once the address is kept in stock. */
export const keeping = (tally: TallyRecord, place: PoolPlace): TallyRecord =>
  changed(tally, place, ({ kept = NO_BITS, resting }) => ({
    kept: withBit(kept, place.offset),
    resting: without(resting, place.offset),
  }));

/** The tally once the address is at rest until `untilMs`. */
export const laidToRest = (tally: TallyRecord, place: PoolPlace, untilMs: number): TallyRecord =>
  changed(tally, place, ({ kept = NO_BITS, resting }) => ({
    kept: withoutBit(kept, place.offset),
    resting: { ...resting, [place.offset]: untilMs },
  }));

/** The tally once the address is not in reserve. */
export const unreserved = (tally: TallyRecord, place: PoolPlace): TallyRecord =>
  changed(tally, place, ({ kept = NO_BITS, resting }) => ({
    kept: withoutBit(kept, place.offset),
    resting: without(resting, place.offset),
  }));

const without = (
  resting: Reserve['resting'] = {},
  offset: number,
): NonNullable<Reserve['resting']> => (offset in resting ? less(resting, String(offset)) : resting);

function less<Value>(
  all: Readonly<Record<string, Value>>,
  name: string,
): Readonly<Record<string, Value>> {
  const others: Record<string, Value> = {};
  for (const [other, value] of Object.entries(all)) if (other !== name) others[other] = value;
  return others;
}

function changed(
  tally: TallyRecord,
  { pool, block }: PoolPlace,
  change: (before: Reserve) => Required<Reserve>,
): TallyRecord {
  const { kept, resting } = change(reserveIn(tally, pool, block));
  const after: Reserve = {
    ...(kept !== NO_BITS && { kept }),
    ...(Object.keys(resting).length > 0 && { resting }),
  };
  const { reserve = {}, ...rest } = tally;
  const blocks = Object.hasOwn(reserve, pool) ? (reserve[pool] ?? {}) : {};
  const next = replaced(reserve, pool, emptied(replaced(blocks, String(block), emptied(after))));
  return Object.keys(next).length > 0 ? { ...rest, reserve: next } : rest;
}

const emptied = <Value extends object>(value: Value): Value | undefined =>
  Object.keys(value).length > 0 ? value : undefined;

const replaced = <Value>(
  all: Readonly<Record<string, Value>>,
  name: string,
  value: Value | undefined,
): Readonly<Record<string, Value>> =>
  value === undefined ? less(all, name) : { ...all, [name]: value };

/** An address in reserve. `restsUntilMs` is there when it is at rest, absent when it is kept. */
export interface Reserved extends PoolPlace {
  readonly restsUntilMs?: number;
}

/** Everything that a node has in reserve; what has rested longest comes first, what is kept last. */
export const reservedOf = ({ reserve = {} }: TallyRecord): readonly Reserved[] =>
  Object.entries(reserve).flatMap(([pool, blocks]) => reservedIn(pool, blocks));

/** How many addresses of one pool rest with a node. */
export function restingOfPool({ reserve = {} }: TallyRecord, pool: string): number {
  const blocks = Object.hasOwn(reserve, pool) ? (reserve[pool] ?? {}) : {};
  return Object.values(blocks).reduce(
    (count, { resting = {} }) => count + Object.keys(resting).length,
    0,
  );
}

/** What a node has in reserve of one pool, in the same order. */
export const reservedOfPool = ({ reserve = {} }: TallyRecord, pool: string): readonly Reserved[] =>
  Object.hasOwn(reserve, pool) ? reservedIn(pool, reserve[pool] ?? {}) : [];

const reservedIn = (pool: string, blocks: Reserves[string]): readonly Reserved[] =>
  Object.entries(blocks)
    .flatMap(([n, { kept = NO_BITS, resting = {} }]): Reserved[] => {
      const block = BigInt(n);
      const rests = Object.entries(resting).map(([offset, restsUntilMs]) => ({
        ...{ pool, block, offset: Number(offset), restsUntilMs },
      }));
      return [...rests, ...offsetsIn(kept).map((offset) => ({ pool, block, offset }))];
    })
    .sort((a, b) => (a.restsUntilMs ?? Infinity) - (b.restsUntilMs ?? Infinity) || 0);

/** A block as the tallies of its nodes complete it. A node whose tally is not there has leases only. */
export function wholeBlock(
  block: BlockRecord,
  reserves: Iterable<readonly [node: string, Reserve]>,
): WholeBlock {
  const held: Record<string, Mask> = { ...block.held };
  const spare: Record<string, Mask> = {};
  const resting: Record<string, number> = {};
  for (const [node, reserve] of reserves) {
    const has = maskOf(block, node);
    if (has === NO_BITS) continue;
    const kept = reserve.kept ?? NO_BITS;
    const rests = maskOfOffsets(Object.keys(reserve.resting ?? {}).map(Number));
    held[node] = minus(minus(has, kept), rests);
    if (kept !== NO_BITS) spare[node] = kept;
    Object.assign(resting, reserve.resting);
  }
  return {
    ...block,
    held,
    ...(Object.keys(spare).length > 0 && { spare }),
    cooling: { ...block.cooling, ...resting },
  };
}

/**
 * How many addresses of a block a node may have at rest: others need them too, and the more nodes share the
 * block the fewer are nobody's.
 *
 * @param usable  addresses of the block that the pool hands out
 * @param sharers nodes that have addresses of the block
 */
export const restLimit = ({ usable, sharers }: { usable: number; sharers: number }): number =>
  Math.min(MOST_AT_REST, Math.max(1, Math.floor(usable / (PARTS * Math.max(1, sharers)))));

const MOST_AT_REST = 8;
/** Of a block, what rests with its nodes is one part in this many at most, one address each excepted. */
const PARTS = 4;
