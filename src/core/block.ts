import type { BlockRecord } from './lease-record.ts';

/**
 * A block is 256 consecutive addresses of a pool. Masks are 64 hexadecimal digits, lower case; offset 0
 * is the highest bit of the first digit, so that a mask reads from left to right.
 */
export type Mask = string;

export const BLOCK_SIZE = 256;
export const NO_BITS: Mask = '0'.repeat(64);
export const ALL_BITS: Mask = 'f'.repeat(64);

/** Digits of a mask that are one word. */
const DIGITS = 8;
const WORDS = 8;

const wordAt = (mask: Mask, at: number): number =>
  Number.parseInt(mask.slice(at * DIGITS, (at + 1) * DIGITS), 16);
const spelled = (word: number): string => (word >>> 0).toString(16).padStart(DIGITS, '0');
const bitOf = (offset: number): number => 1 << (31 - (offset & 31));

const withWord = (mask: Mask, at: number, word: number): Mask =>
  mask.slice(0, at * DIGITS) + spelled(word) + mask.slice((at + 1) * DIGITS);

export const hasBit = (mask: Mask, offset: number): boolean =>
  (wordAt(mask, offset >> 5) & bitOf(offset)) !== 0;

export const withBit = (mask: Mask, offset: number): Mask =>
  withWord(mask, offset >> 5, wordAt(mask, offset >> 5) | bitOf(offset));

export const withoutBit = (mask: Mask, offset: number): Mask =>
  withWord(mask, offset >> 5, wordAt(mask, offset >> 5) & ~bitOf(offset));

const zip = (a: Mask, b: Mask, join: (x: number, y: number) => number): Mask => {
  let mask = '';
  for (let at = 0; at < WORDS; at++) mask += spelled(join(wordAt(a, at), wordAt(b, at)));
  return mask;
};

export const unionOf = (a: Mask, b: Mask): Mask => zip(a, b, (x, y) => x | y);
export const minus = (a: Mask, b: Mask): Mask => zip(a, b, (x, y) => x & ~y);

/** Bits set in one word of 32. */
export function onesIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Bits set in a mask, 0..256. */
export function popcount(mask: Mask): number {
  let count = 0;
  for (let at = 0; at < WORDS; at++) count += onesIn(wordAt(mask, at));
  return count;
}

/** Offsets set in a mask, ascending. */
export function offsetsIn(mask: Mask): number[] {
  const offsets: number[] = [];
  for (let at = 0; at < WORDS; at++)
    for (let word = wordAt(mask, at); word !== 0;) {
      const bit = Math.clz32(word);
      offsets.push(at * 32 + bit);
      word &= ~(1 << (31 - bit));
    }
  return offsets;
}

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

/** A mask of some offsets. */
export function maskOfOffsets(offsets: Iterable<number>): Mask {
  const words = new Uint32Array(WORDS);
  for (const offset of offsets) words[offset >> 5] = (words[offset >> 5] ?? 0) | bitOf(offset);
  return [...words].map(spelled).join('');
}

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

/** Spelled once, however many they are. */
function unionOfAll(masks: readonly Mask[]): Mask {
  const words = new Uint32Array(WORDS);
  for (const mask of masks)
    for (let at = 0; at < WORDS; at++) words[at] = (words[at] ?? 0) | wordAt(mask, at);
  return Array.from(words, spelled).join('');
}

/** The node that has the address. */
export const holderOf = ({ held }: BlockRecord, offset: number): string | undefined =>
  Object.entries(held).find(([, mask]) => hasBit(mask, offset))?.[0];

/** Offsets still cooling at `nowMs`; at the very millisecond that cooling ends they are free. */
export const coolingIn = ({ cooling }: BlockRecord, nowMs: number): Mask =>
  maskOfOffsets(
    Object.entries(cooling).flatMap(([offset, untilMs]) =>
      untilMs > nowMs ? [Number(offset)] : [],
    ),
  );

const quarantinedIn = ({ quarantined }: BlockRecord): Mask =>
  maskOfOffsets(Object.keys(quarantined).map(Number));

/** Every offset that some node keeps in stock. */
export const sparesIn = ({ spare = {} }: WholeBlock): Mask => unionOfAll(Object.values(spare));

/** Offsets of `usable` that can be handed out at `nowMs`. */
export function freeIn(block: WholeBlock, usable: Mask, nowMs: number): Mask {
  const withheld = unionOf(coolingIn(block, nowMs), quarantinedIn(block));
  return minus(usable, unionOf(unionOf(heldIn(block), sparesIn(block)), withheld));
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

/**
 * The block once `node` has `offset`: next-fit goes on behind it, and cooling that is over is forgotten on
 * the way.
 */
export const taken = (block: BlockRecord, { node, offset, nowMs }: Taking): BlockRecord => ({
  ...block,
  held: { ...block.held, [node]: withBit(maskOf(block, node), offset) },
  cursor: (offset + 1) % BLOCK_SIZE,
  cooling: Object.fromEntries(
    Object.entries(block.cooling).filter(([o, until]) => until > nowMs && Number(o) !== offset),
  ),
});

/** The block once `node` gave `offset` back; nobody gets it before `coolUntilMs`, if that is said. */
export function givenBack(
  block: BlockRecord,
  { node, offset, coolUntilMs }: { node: string; offset: number; coolUntilMs?: number },
): BlockRecord {
  const others = Object.fromEntries(Object.entries(block.held).filter(([name]) => name !== node));
  const rest = withoutBit(maskOf(block, node), offset);
  return {
    ...block,
    held: rest === NO_BITS ? others : { ...others, [node]: rest },
    ...(coolUntilMs !== undefined && { cooling: { ...block.cooling, [offset]: coolUntilMs } }),
  };
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

/** What `node` has of a block. Node names may spell `constructor`: only own keys count. */
export const maskOf = ({ held }: BlockRecord, node: string): Mask =>
  Object.hasOwn(held, node) ? (held[node] ?? NO_BITS) : NO_BITS;
