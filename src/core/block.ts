import type { BlockRecord } from './records.ts';

/**
 * A block is 256 consecutive addresses of a pool. Masks are 64 hexadecimal digits, lower case; offset 0
 * is the highest bit of the first digit, so that a mask reads from left to right.
 */
export type Mask = string;

export const BLOCK_SIZE = 256;
export const NO_BITS: Mask = '0'.repeat(64);
export const ALL_BITS: Mask = 'f'.repeat(64);

const valueAt = (mask: Mask, digit: number): number => Number.parseInt(mask.charAt(digit), 16);
const bitOf = (offset: number): number => 8 >> (offset & 3);
const ONES = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4] as const;

const withDigit = (mask: Mask, digit: number, value: number): Mask =>
  mask.slice(0, digit) + value.toString(16) + mask.slice(digit + 1);

export const hasBit = (mask: Mask, offset: number): boolean =>
  (valueAt(mask, offset >> 2) & bitOf(offset)) !== 0;

export const withBit = (mask: Mask, offset: number): Mask =>
  withDigit(mask, offset >> 2, valueAt(mask, offset >> 2) | bitOf(offset));

export const withoutBit = (mask: Mask, offset: number): Mask =>
  withDigit(mask, offset >> 2, valueAt(mask, offset >> 2) & ~bitOf(offset));

const zip = (a: Mask, b: Mask, join: (x: number, y: number) => number): Mask => {
  let mask = '';
  for (let digit = 0; digit < 64; digit++)
    mask += join(valueAt(a, digit), valueAt(b, digit)).toString(16);
  return mask;
};

export const unionOf = (a: Mask, b: Mask): Mask => zip(a, b, (x, y) => x | y);
export const minus = (a: Mask, b: Mask): Mask => zip(a, b, (x, y) => x & ~y);

/** Bits set in a mask, 0..256. */
export function popcount(mask: Mask): number {
  let count = 0;
  for (let digit = 0; digit < mask.length; digit++) count += ONES[valueAt(mask, digit)] ?? 0;
  return count;
}

/** Offsets set in a mask, ascending. */
export const offsetsIn = (mask: Mask): number[] =>
  Array.from({ length: BLOCK_SIZE }, (_, offset) => offset).filter((o) => hasBit(mask, o));

/** A mask with the offsets `from..to` set, both included. */
export function maskOfSpan(from: number, to: number): Mask {
  let mask = '';
  for (let first = 0; first < BLOCK_SIZE; first += 4) {
    const low = Math.max(from - first, 0);
    const high = Math.min(to - first, 3);
    mask += (low > high ? 0 : (15 >> low) & ~(15 >> (high + 1))).toString(16);
  }
  return mask;
}

export const EMPTY_BLOCK: BlockRecord = {
  v: 1,
  held: {},
  cursor: 0,
  cooling: {},
  quarantined: {},
};

/** Every offset that some node holds. */
export const heldIn = ({ held }: BlockRecord): Mask => Object.values(held).reduce(unionOf, NO_BITS);

export const holderOf = ({ held }: BlockRecord, offset: number): string | undefined =>
  Object.entries(held).find(([, mask]) => hasBit(mask, offset))?.[0];

/** Offsets still cooling at `nowMs`; at the very millisecond that cooling ends they are free. */
export const coolingIn = ({ cooling }: BlockRecord, nowMs: number): Mask =>
  Object.entries(cooling)
    .filter(([, untilMs]) => untilMs > nowMs)
    .reduce((mask, [offset]) => withBit(mask, Number(offset)), NO_BITS);

const quarantinedIn = ({ quarantined }: BlockRecord): Mask =>
  Object.keys(quarantined).reduce((mask, offset) => withBit(mask, Number(offset)), NO_BITS);

/** Every offset that some node keeps in stock. */
export const sparesIn = ({ spare = {} }: BlockRecord): Mask =>
  Object.values(spare).reduce(unionOf, NO_BITS);

/** Offsets of `usable` that can be handed out at `nowMs`. */
export function freeIn(block: BlockRecord, usable: Mask, nowMs: number): Mask {
  const withheld = unionOf(coolingIn(block, nowMs), quarantinedIn(block));
  return minus(usable, unionOf(unionOf(heldIn(block), sparesIn(block)), withheld));
}

/** The offset of `usable` that has rested longest of those still cooling. */
export function longestRested(
  block: BlockRecord,
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
export function nextFit(block: BlockRecord, usable: Mask, nowMs: number): number | undefined {
  const free = freeIn(block, usable, nowMs);
  for (let step = 0; step < BLOCK_SIZE; step++) {
    const offset = (block.cursor + step) % BLOCK_SIZE;
    if (hasBit(free, offset)) return offset;
  }
  return undefined;
}

interface Taking {
  readonly node: string;
  readonly offset: number;
  readonly nowMs: number;
}

/** The block once `node` holds `offset`; cooling that is over is forgotten on the way. */
export const taken = (block: BlockRecord, { node, offset, nowMs }: Taking): BlockRecord => ({
  ...movedPast(block, offset, nowMs),
  held: { ...block.held, [node]: withBit(maskOf(block, node), offset) },
});

/** Next-fit goes on behind `offset`, whose rest is over, as is that of others at `nowMs`. */
const movedPast = (block: BlockRecord, offset: number, nowMs: number): BlockRecord => ({
  ...block,
  cursor: (offset + 1) % BLOCK_SIZE,
  cooling: Object.fromEntries(
    Object.entries(block.cooling).filter(([o, until]) => until > nowMs && Number(o) !== offset),
  ),
});

/** The block once `node` gave `offset` back; nobody gets it before `coolUntilMs`. */
export function givenBack(
  block: BlockRecord,
  { node, offset, coolUntilMs }: { node: string; offset: number; coolUntilMs: number },
): BlockRecord {
  const others = Object.fromEntries(Object.entries(block.held).filter(([name]) => name !== node));
  const rest = withoutBit(maskOf(block, node), offset);
  return {
    ...block,
    held: rest === NO_BITS ? others : { ...others, [node]: rest },
    cooling: { ...block.cooling, [offset]: coolUntilMs },
  };
}

/** The block once `node` keeps `offset` in stock: neither leased nor anyone else's to have. */
export const stocked = (block: BlockRecord, { node, offset, nowMs }: Taking): BlockRecord => ({
  ...movedPast(block, offset, nowMs),
  spare: { ...block.spare, [node]: withBit(spareOf(block, node), offset) },
});

/** The block once `offset` is no longer in the stock of `node`, and free: nobody used it. */
export function unstocked(
  block: BlockRecord,
  { node, offset }: { node: string; offset: number },
): BlockRecord {
  const { spare = {}, ...rest } = block;
  const left = withoutBit(spareOf(block, node), offset);
  const others = Object.fromEntries(Object.entries(spare).filter(([name]) => name !== node));
  const all = left === NO_BITS ? others : { ...others, [node]: left };
  return Object.keys(all).length === 0 ? rest : { ...rest, spare: all };
}

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

/** What `node` keeps in stock of a block. */
export const spareOf = ({ spare = {} }: BlockRecord, node: string): Mask =>
  Object.hasOwn(spare, node) ? (spare[node] ?? NO_BITS) : NO_BITS;

/** What `node` holds of a block. Node names may spell `constructor`: only own keys count. */
export const maskOf = ({ held }: BlockRecord, node: string): Mask =>
  Object.hasOwn(held, node) ? (held[node] ?? NO_BITS) : NO_BITS;
