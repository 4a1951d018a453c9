import type { BlockRecord } from './lease-record.ts';

/**
 * A block is 256 consecutive addresses of a pool. Masks are 64 hexadecimal digits, lower case; offset 0
 * is the highest bit of the first digit, so that a mask reads from left to right.
 */
export type Mask = string;

export const BLOCK_SIZE = 256;
export const NO_BITS: Mask = '0'.repeat(64);
export const ALL_BITS: Mask = 'f'.repeat(64);

const WORDS = 8;
/** Digits of a mask that are one word. */
const DIGITS = 8;
const LAST_CIPHER = 0x39;

const digitAt = (mask: Mask, at: number): number => {
  const code = mask.charCodeAt(at);
  return code <= LAST_CIPHER ? code - 0x30 : code - 0x57;
};

function wordAt(mask: Mask, at: number): number {
  let word = 0;
  for (let digit = at * DIGITS; digit < (at + 1) * DIGITS; digit++)
    word = (word << 4) | digitAt(mask, digit);
  return word;
}

const spelled = (word: number): string => (word >>> 0).toString(16).padStart(DIGITS, '0');
const bitOf = (offset: number): number => 1 << (31 - (offset & 31));
const bitOfDigit = (offset: number): number => 8 >> (offset & 3);

const withDigit = (mask: Mask, at: number, digit: number): Mask =>
  mask.slice(0, at) + digit.toString(16) + mask.slice(at + 1);

export const hasBit = (mask: Mask, offset: number): boolean =>
  (digitAt(mask, offset >> 2) & bitOfDigit(offset)) !== 0;

export const withBit = (mask: Mask, offset: number): Mask =>
  withDigit(mask, offset >> 2, digitAt(mask, offset >> 2) | bitOfDigit(offset));

export const withoutBit = (mask: Mask, offset: number): Mask =>
  withDigit(mask, offset >> 2, digitAt(mask, offset >> 2) & ~bitOfDigit(offset));

const zip = (a: Mask, b: Mask, each: (x: number, y: number) => number): Mask => {
  let mask = '';
  for (let at = 0; at < WORDS; at++) mask += spelled(each(wordAt(a, at), wordAt(b, at)));
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
  for (const offset of offsets) joinOffset(words, offset);
  return maskOfWords(words);
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

/** A mask in words of 32 bits: spelled once, however many make it up. */
type Words = Uint32Array;

const maskOfWords = (words: Words): Mask => Array.from(words, spelled).join('');

function join(words: Words, mask: Mask): void {
  for (let at = 0; at < WORDS; at++) words[at] = (words[at] ?? 0) | wordAt(mask, at);
}

function joinOffset(words: Words, offset: number): void {
  words[offset >> 5] = (words[offset >> 5] ?? 0) | bitOf(offset);
}

function unionOfAll(masks: readonly Mask[]): Mask {
  const words = new Uint32Array(WORDS);
  for (const mask of masks) join(words, mask);
  return maskOfWords(words);
}

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
  const words = new Uint32Array(WORDS);
  for (const mask of Object.values(held)) join(words, mask);
  for (const mask of Object.values(spare)) join(words, mask);
  for (const offset of Object.keys(withheld)) joinOffset(words, Number(offset));
  for (const [offset, untilMs] of Object.entries(cooling))
    if (untilMs > nowMs) joinOffset(words, Number(offset));
  for (let at = 0; at < WORDS; at++) words[at] = wordAt(usable, at) & ~(words[at] ?? 0);
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

function firstFrom(words: Words, from: number): number | undefined {
  let word = (words[from >> 5] ?? 0) & (0xffffffff >>> (from & 31));
  for (let at = from >> 5; at < WORDS; word = words[++at] ?? 0)
    if (word !== 0) return at * 32 + Math.clz32(word);
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
