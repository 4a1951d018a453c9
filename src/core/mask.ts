/**
 * Which of the 256 addresses of a block: 64 hexadecimal digits, lower case. Offset 0 is the highest bit of the
 * first digit, so that a mask reads from left to right.
 */
export type Mask = string;

export const MASK_BITS = 256;
export const NO_BITS: Mask = '0'.repeat(64);
export const ALL_BITS: Mask = 'f'.repeat(64);

const WORDS = MASK_BITS / 32;
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
  for (let first = 0; first < MASK_BITS; first += 4) {
    const low = Math.max(from - first, 0);
    const high = Math.min(to - first, 3);
    mask += (low > high ? 0 : (15 >> low) & ~(15 >> (high + 1))).toString(16);
  }
  return mask;
}

/** A mask in words of 32 bits: spelled once, however many make it up. */
export type Words = Uint32Array;

export const noWords = (): Words => new Uint32Array(WORDS);

export const maskOfWords = (words: Words): Mask => Array.from(words, spelled).join('');

/** Adds the bits of `mask`. */
export function join(words: Words, mask: Mask): void {
  for (let at = 0; at < WORDS; at++) words[at] = (words[at] ?? 0) | wordAt(mask, at);
}

export function joinOffset(words: Words, offset: number): void {
  words[offset >> 5] = (words[offset >> 5] ?? 0) | bitOf(offset);
}

export function unionOfAll(masks: readonly Mask[]): Mask {
  const words = noWords();
  for (const mask of masks) join(words, mask);
  return maskOfWords(words);
}

/** Turns what is set into what of `mask` is not. */
export function invertWithin(words: Words, mask: Mask): void {
  for (let at = 0; at < WORDS; at++) words[at] = wordAt(mask, at) & ~(words[at] ?? 0);
}

/** The first offset set at or after `from`. */
export function firstFrom(words: Words, from: number): number | undefined {
  let word = (words[from >> 5] ?? 0) & (0xffffffff >>> (from & 31));
  for (let at = from >> 5; at < WORDS; word = words[++at] ?? 0)
    if (word !== 0) return at * 32 + Math.clz32(word);
  return undefined;
}

/** A mask of some offsets. */
export function maskOfOffsets(offsets: Iterable<number>): Mask {
  const words = noWords();
  for (const offset of offsets) joinOffset(words, offset);
  return maskOfWords(words);
}
