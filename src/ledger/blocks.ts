import type { WholeBlock } from '../core/block.ts';
import { EMPTY_BLOCK, freeIn, heldIn, longestRested, nextFit, sparesIn } from '../core/block.ts';
import { popcount } from '../core/mask.ts';
import type { PoolSpace } from '../core/pool.ts';
import { blockNumbers, sizeOf, usableMask, withheldIn } from '../core/pool.ts';
import type { BlockRecord, TallyRecord } from '../core/lease-record.ts';
import { reserveIn, wholeBlock } from '../core/reserve.ts';
import { blockIn, keys, nameIn, prefixes } from './keys.ts';
import type { PoolFill } from './lease-errors.ts';
import { listAll } from './listing.ts';
import { records } from './records.ts';
import type { Read, Revision } from './store.ts';

/** A block as read: `revision` 0 when it was never written. */
export interface SeenBlock {
  readonly n: bigint;
  readonly record: BlockRecord;
  readonly revision: Revision;
  /** With what its nodes have in reserve, where their tallies were looked at. */
  readonly whole?: WholeBlock;
}

export type SeenBlocks = ReadonlyMap<bigint, SeenBlock | 'bad'>;

/** A node's tally as read: `revision` 0 when it was never written. */
export interface SeenTally {
  readonly node: string;
  readonly record: TallyRecord;
  readonly revision: Revision;
}

/** A block and the offset in it that can be taken. */
export interface Spot {
  readonly block: SeenBlock;
  readonly offset: number;
  /** The node that has it at rest, if that is another. */
  readonly rival?: SeenTally;
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
): Promise<SeenBlocks> {
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

/** @throws BadRecord */
export async function readTally(
  read: Read,
  node: string,
  signal: AbortSignal,
): Promise<SeenTally | undefined> {
  const entry = await read.get(keys.tally(node), signal);
  return entry && { node, record: records.tally.decode(entry), revision: entry.revision };
}

/** More tallies than this are listed rather than read one by one. */
const MOST_READ_SINGLY = 100;

/** The tallies of the nodes that have addresses of these blocks, by node. One that does not read is left out. */
async function talliesOf(
  read: Read,
  blocks: Iterable<SeenBlock | 'bad'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SeenTally>> {
  const nodes = new Set(
    [...blocks].flatMap((block) => (block === 'bad' ? [] : Object.keys(block.record.held))),
  );
  const entries =
    nodes.size > MOST_READ_SINGLY
      ? (await listAll(read, prefixes.tallies, { signal })).entries
      : await Promise.all([...nodes].map((node) => read.get(keys.tally(node), signal)));
  const { good } = records.tally.decodeAll(entries.filter((entry) => entry !== undefined));
  return new Map(
    good.map(({ key, record, revision }) => {
      const node = nameIn(prefixes.tallies, key);
      return [node, { node, record, revision }];
    }),
  );
}

/** The blocks of a pool as the tallies of their nodes complete them, and these tallies. */
export async function completed(
  read: Read,
  { pool, blocks }: { readonly pool: string; readonly blocks: SeenBlocks },
  signal: AbortSignal,
): Promise<{ readonly blocks: SeenBlocks; readonly tallies: ReadonlyMap<string, SeenTally> }> {
  const tallies = await talliesOf(read, blocks.values(), signal);
  const whole = ({ n, record }: SeenBlock): WholeBlock =>
    wholeBlock(
      record,
      Object.keys(record.held).flatMap((node) => {
        const tally = tallies.get(node);
        return tally ? [[node, reserveIn(tally.record, pool, n)] as const] : [];
      }),
    );
  const all = [...blocks].map(
    ([n, block]) => [n, block === 'bad' ? block : { ...block, whole: whole(block) }] as const,
  );
  return { blocks: new Map(all), tallies };
}

/** As readBlocks, completed by the tallies of the nodes that have addresses of them. */
export async function readWholeBlocks(
  read: Read,
  pool: string,
  signal: AbortSignal,
): Promise<SeenBlocks> {
  const blocks = await readBlocks(read, pool, signal);
  return (await completed(read, { pool, blocks }, signal)).blocks;
}

export const spotIn = (space: PoolSpace, block: SeenBlock, nowMs: number): Spot | undefined => {
  const offset = nextFit(block.whole ?? block.record, usableMask(space, block.n), nowMs);
  return offset === undefined ? undefined : { block, offset };
};

/** The spot of all that has rested longest, if that ends no later than `byMs`. */
export function spotRested(
  space: PoolSpace,
  blocks: SeenBlocks,
  { nowMs, byMs }: { nowMs: number; byMs: number },
): Spot | undefined {
  let best: (Spot & { readonly untilMs: number }) | undefined;
  for (const block of blocks.values()) {
    if (block === 'bad') continue;
    const found = longestRested(block.whole ?? block.record, usableMask(space, block.n), nowMs);
    if (found && found.untilMs <= byMs && found.untilMs < (best?.untilMs ?? Infinity))
      best = { block, ...found };
  }
  return best && { block: best.block, offset: best.offset };
}

/** Nodes start their search this many blocks apart at most: block numbers stay small in a /64. */
const SPREAD = 4096;

/**
 * A spot for a node that has no room in blocks of its own: in a written block that nobody holds, else
 * in a new one, else wherever room is left. The choice differs by node, so that nodes seldom meet.
 */
export function spotForNewcomer(
  space: PoolSpace,
  blocks: SeenBlocks,
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

/** No node has an address of it. */
export const isVacant = ({ held }: BlockRecord): boolean => Object.keys(held).length === 0;

function newSpot(
  space: PoolSpace,
  blocks: ReadonlyMap<bigint, unknown>,
  { hash, nowMs }: { hash: number; nowMs: number },
): Spot | undefined {
  for (const n of blockNumbers(space, BigInt(hash % SPREAD))) {
    if (blocks.has(n)) continue;
    const spot = spotIn(space, { n, record: EMPTY_BLOCK, revision: 0 }, nowMs);
    if (spot) return spot;
  }
  return undefined;
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
  blocks: SeenBlocks,
  nowMs: number,
): PoolFill & { readonly nextMs: number; readonly withheld: number } {
  const fill = { pool: name, size: sizeOf(space), held: 0, spare: 0, cooling: 0, quarantined: 0 };
  let nextMs = Infinity;
  let withheld = 0;
  for (const block of blocks.values()) {
    if (block === 'bad') continue;
    const { n, whole = block.record } = block;
    withheld += withheldIn(space, n, { block: whole, nowMs });
    const usable = usableMask(space, n);
    const free = popcount(freeIn(whole, usable, nowMs));
    const calm = popcount(freeIn({ ...whole, cooling: {} }, usable, nowMs));
    fill.held += popcount(heldIn(whole));
    fill.spare += popcount(sparesIn(whole));
    fill.cooling += calm - free;
    fill.quarantined += Object.keys(whole.quarantined).length;
    for (const untilMs of Object.values(whole.cooling))
      if (untilMs > nowMs) nextMs = Math.min(nextMs, untilMs);
  }
  return { ...fill, nextMs, withheld };
}
