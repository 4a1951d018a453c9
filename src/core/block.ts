import type { BlockRecord } from './lease-record.ts';
import {
  firstFrom,
  hasBit,
  invertWithin,
  join,
  joinOffset,
  MASK_BITS,
  type Mask,
  maskOfWords,
  NO_BITS,
  noWords,
  unionOfAll,
  withBit,
  withoutBit,
  type Words,
} from './mask.ts';

/** A block is 256 consecutive addresses of a pool. */
export const BLOCK_SIZE = MASK_BITS;

export const EMPTY_BLOCK: BlockRecord = {
  v: 1,
  held: {},
  cursor: 0,
  cooling: {},
  quarantined: {},
};

/**
 * A block with what the tallies of its nodes say of their addresses: `held` is what is leased, `spare` what
 * is kept in stock, and what rests with a node cools like anything else. See reserve.ts.
 */
export interface WholeBlock extends BlockRecord {
  readonly spare?: Readonly<Record<string, Mask>>;
}

/** Every offset that some node has. */
export const heldIn = ({ held }: BlockRecord): Mask => unionOfAll(Object.values(held));

/** The node that has the address. */
export const holderOf = ({ held }: BlockRecord, offset: number): string | undefined =>
  Object.entries(held).find(([, mask]) => hasBit(mask, offset))?.[0];

/** Every offset that some node keeps in stock. */
export const sparesIn = ({ spare = {} }: WholeBlock): Mask => unionOfAll(Object.values(spare));

/**
 * Offsets of `usable` that can be handed out at `nowMs`; at the very millisecond that cooling ends they are
 * free.
 */
export const freeIn = (block: WholeBlock, usable: Mask, nowMs: number): Mask =>
  maskOfWords(freeWords(block, usable, nowMs));

function freeWords(block: WholeBlock, usable: Mask, nowMs: number): Words {
  const { held, spare = {}, cooling, quarantined: withheld } = block;
  const words = noWords();
  for (const mask of Object.values(held)) join(words, mask);
  for (const mask of Object.values(spare)) join(words, mask);
  for (const offset of Object.keys(withheld)) joinOffset(words, Number(offset));
  for (const [offset, untilMs] of Object.entries(cooling))
    if (untilMs > nowMs) joinOffset(words, Number(offset));
  invertWithin(words, usable);
  return words;
}

/** The offset of `usable` that has rested longest of those still cooling. */
export function longestRested(
  block: WholeBlock,
  usable: Mask,
  nowMs: number,
): { readonly offset: number; readonly untilMs: number } | undefined {
  const calm = freeIn({ ...block, cooling: {} }, usable, nowMs);
  return Object.entries(block.cooling)
    .map(([offset, untilMs]) => ({ offset: Number(offset), untilMs }))
    .filter(({ offset }) => hasBit(calm, offset))
    .sort((a, b) => a.untilMs - b.untilMs || a.offset - b.offset)[0];
}

/** Next fit: the first free offset at or after the cursor, round to just before it. */
export function nextFit(block: WholeBlock, usable: Mask, nowMs: number): number | undefined {
  const free = freeWords(block, usable, nowMs);
  return firstFrom(free, block.cursor) ?? firstFrom(free, 0);
}

interface Taking {
  readonly node: string;
  readonly offset: number;
  readonly nowMs: number;
}

/**
 * The block once `node` has `offset`: next-fit goes on behind it, and cooling that is over is forgotten on
 * the way.
 */
export const taken = (block: BlockRecord, { node, offset, nowMs }: Taking): BlockRecord => ({
  ...block,
  held: { ...block.held, [node]: withBit(maskOf(block, node), offset) },
  cursor: (offset + 1) % BLOCK_SIZE,
  cooling: stillCooling(block.cooling, { offset, nowMs }),
});

function stillCooling(
  cooling: BlockRecord['cooling'],
  { offset, nowMs }: Omit<Taking, 'node'>,
): BlockRecord['cooling'] {
  const left: Record<string, number> = {};
  for (const [key, untilMs] of Object.entries(cooling))
    if (untilMs > nowMs && Number(key) !== offset) left[key] = untilMs;
  return left;
}

/** The block once `node` gave `offset` back; nobody gets it before `coolUntilMs`, if that is said. */
export function givenBack(
  block: BlockRecord,
  { node, offset, coolUntilMs }: { node: string; offset: number; coolUntilMs?: number },
): BlockRecord {
  const held = { ...block.held, [node]: withoutBit(maskOf(block, node), offset) };
  return {
    ...block,
    held: held[node] === NO_BITS ? withoutNode(held, node) : held,
    ...(coolUntilMs !== undefined && { cooling: { ...block.cooling, [offset]: coolUntilMs } }),
  };
}

const withoutNode = (held: BlockRecord['held'], node: string): BlockRecord['held'] =>
  Object.fromEntries(Object.entries(held).filter(([name]) => name !== node));

/** The block once nobody gets `offset`, and why. Whoever holds it goes on holding it. */
export const quarantined = (block: BlockRecord, offset: number, why: string): BlockRecord => ({
  ...block,
  quarantined: { ...block.quarantined, [offset]: why },
});

/** The block once `offset` may be given again. */
export const unquarantined = (block: BlockRecord, offset: number): BlockRecord => ({
  ...block,
  quarantined: Object.fromEntries(
    Object.entries(block.quarantined).filter(([key]) => Number(key) !== offset),
  ),
});

/** What `node` has of a block. Node names may spell `constructor`: only own keys count. */
export const maskOf = ({ held }: BlockRecord, node: string): Mask =>
  Object.hasOwn(held, node) ? (held[node] ?? NO_BITS) : NO_BITS;
