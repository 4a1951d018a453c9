import {
  EMPTY_BLOCK,
  freeIn,
  heldIn,
  longestRested,
  nextFit,
  popcount,
  sparesIn,
} from '../core/block.ts';
import type { PoolSpace } from '../core/pool.ts';
import { blockNumbers, sizeOf, usableMask, withheldIn } from '../core/pool.ts';
import type { BlockRecord } from '../core/records.ts';
import { blockIn, keys, prefixes } from './keys.ts';
import type { PoolFill } from './lease-errors.ts';
import { listAll } from './listing.ts';
import { records } from './records.ts';
import type { Read, Revision } from './store.ts';

/** A block as read: `revision` 0 when it was never written. */
export interface SeenBlock {
  readonly n: bigint;
  readonly record: BlockRecord;
  readonly revision: Revision;
}

/** A block and the offset in it that can be taken. */
export interface Spot {
  readonly block: SeenBlock;
  readonly offset: number;
  /** Further new blocks to write, empty, in the same commit. */
  readonly alongside?: readonly bigint[];
}

/** @throws BadRecord */
export async function readBlock(
  read: Read,
  { pool, n }: { pool: string; n: bigint },
  signal: AbortSignal,
): Promise<SeenBlock> {
  const entry = await read.get(keys.block(pool, n), signal);
  if (!entry) return { n, record: EMPTY_BLOCK, revision: 0 };
  return { n, record: records.block.decode(entry), revision: entry.revision };
}

/** Every written block of a pool, by number; a block that does not read counts as full. */
export async function readBlocks(
  read: Read,
  pool: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<bigint, SeenBlock | 'bad'>> {
  const { entries } = await listAll(read, prefixes.blocksOf(pool), { signal });
  const { good } = records.block.decodeAll(entries);
  const byKey = new Map(good.map((kept) => [kept.key, kept]));
  const blocks = new Map<bigint, SeenBlock | 'bad'>();
  for (const { key } of entries) {
    const n = blockIn(key)?.n;
    const kept = byKey.get(key);
    if (n !== undefined)
      blocks.set(n, kept ? { n, record: kept.record, revision: kept.revision } : 'bad');
  }
  return blocks;
}

export const spotIn = (space: PoolSpace, block: SeenBlock, nowMs: number): Spot | undefined => {
  const offset = nextFit(block.record, usableMask(space, block.n), nowMs);
  return offset === undefined ? undefined : { block, offset };
};

/** The spot of all that has rested longest, if that ends no later than `byMs`. */
export function spotRested(
  space: PoolSpace,
  blocks: ReadonlyMap<bigint, SeenBlock | 'bad'>,
  { nowMs, byMs }: { nowMs: number; byMs: number },
): Spot | undefined {
  let best: (Spot & { readonly untilMs: number }) | undefined;
  for (const block of blocks.values()) {
    if (block === 'bad') continue;
    const found = longestRested(block.record, usableMask(space, block.n), nowMs);
    if (found && found.untilMs <= byMs && found.untilMs < (best?.untilMs ?? Infinity))
      best = { block, ...found };
  }
  return best && { block: best.block, offset: best.offset };
}

/** Nodes start their search this many blocks apart at most: block numbers stay small in a /64. */
const SPREAD = 4096;
/** Blocks written together when a pool needs a new one: a crowd of newcomers seldom needs another. */
const BLOCKS_AT_ONCE = 16;

/**
 * A spot for a node that has no room in blocks of its own: in a written block that nobody holds, else
 * in a new one, else wherever room is left. The choice differs by node, so that nodes seldom meet.
 */
export function spotForNewcomer(
  space: PoolSpace,
  blocks: ReadonlyMap<bigint, SeenBlock | 'bad'>,
  { node, nowMs }: { node: string; nowMs: number },
): Spot | undefined {
  const hash = hashOf(node);
  const roomy = [...blocks.values()].flatMap((block) =>
    block === 'bad' ? [] : (spotIn(space, block, nowMs) ?? []),
  );
  const vacant = roomy.filter(({ block: { record } }) => isVacant(record));
  return (
    vacant[hash % vacant.length] ??
    newSpot(space, blocks, { hash, nowMs }) ??
    roomy[hash % roomy.length]
  );
}

/** No node holds an address of it or keeps one in stock. */
export const isVacant = ({ held, spare = {} }: BlockRecord): boolean =>
  Object.keys(held).length + Object.keys(spare).length === 0;

function newSpot(
  space: PoolSpace,
  blocks: ReadonlyMap<bigint, unknown>,
  { hash, nowMs }: { hash: number; nowMs: number },
): Spot | undefined {
  const spots: Spot[] = [];
  for (const n of blockNumbers(space, BigInt(hash % SPREAD))) {
    if (blocks.has(n)) continue;
    const spot = spotIn(space, { n, record: EMPTY_BLOCK, revision: 0 }, nowMs);
    if (spot) spots.push(spot);
    if (spots.length === BLOCKS_AT_ONCE) break;
  }
  const [first, ...others] = spots;
  return first && { ...first, alongside: others.map(({ block }) => block.n) };
}

/** FNV-1a, 32 bits: spreads names, guards nothing. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}

/**
 * How full a pool is at `nowMs`, and when its next address has cooled down. An address that somebody has
 * though it is quarantined counts twice, save in what is `withheld` from everyone.
 */
export function fillOf(
  { name, space }: { name: string; space: PoolSpace },
  blocks: ReadonlyMap<bigint, SeenBlock | 'bad'>,
  nowMs: number,
): PoolFill & { readonly nextMs: number; readonly withheld: number } {
  const fill = { pool: name, size: sizeOf(space), held: 0, spare: 0, cooling: 0, quarantined: 0 };
  let nextMs = Infinity;
  let withheld = 0;
  for (const block of blocks.values()) {
    if (block === 'bad') continue;
    withheld += withheldIn(space, block.n, { block: block.record, nowMs });
    const usable = usableMask(space, block.n);
    const free = popcount(freeIn(block.record, usable, nowMs));
    const calm = popcount(freeIn({ ...block.record, cooling: {} }, usable, nowMs));
    const held = popcount(heldIn(block.record));
    fill.held += held;
    fill.spare += popcount(sparesIn(block.record));
    fill.cooling += calm - free;
    fill.quarantined += Object.keys(block.record.quarantined).length;
    for (const untilMs of Object.values(block.record.cooling))
      if (untilMs > nowMs) nextMs = Math.min(nextMs, untilMs);
  }
  return { ...fill, nextMs, withheld };
}
