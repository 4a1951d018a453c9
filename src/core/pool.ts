import type { Address, Cidr, Range } from './address.ts';
import {
  formatAddress,
  inRange,
  parseAddress,
  parseCidr,
  parseRange,
  rangeSize,
} from './address.ts';
import type { WholeBlock } from './block.ts';
import type { Mask } from './mask.ts';
import { BLOCK_SIZE, freeIn } from './block.ts';
import { maskOfSpan, NO_BITS, offsetsIn, popcount, unionOf, withoutBit } from './mask.ts';
import type { NodeSelector, PoolRecord } from './topology-record.ts';

/**
 * A pool's record turned into numbers. Blocks are counted from the start of the *cidr*, not of the
 * ranges: widening or narrowing the ranges never moves an address to another block.
 */
export interface PoolSpace {
  readonly cidr: Cidr;
  readonly ranges: readonly Range[];
  readonly excluded: ReadonlySet<bigint>;
  /** Addresses that can ever be handed out: the ranges less the exclusions. */
  readonly size: bigint;
}

/** Where an address lies: block number and offset 0..255 in it. */
export interface Place {
  readonly block: bigint;
  readonly offset: number;
}

const SIZE = BigInt(BLOCK_SIZE);

/** Every deal with an address asks for its pool's; a record never changes. */
const known = new WeakMap<PoolRecord, PoolSpace>();

/** @throws BadAddress, BadCidr, BadRange; the ledger holds only records that do not */
export function poolSpace(record: PoolRecord): PoolSpace {
  const space = known.get(record) ?? computedSpace(record);
  known.set(record, space);
  return space;
}

function computedSpace({ cidr, ranges, exclude }: PoolRecord): PoolSpace {
  const spans = ranges.map(parseRange);
  const within = (value: Address): boolean => spans.some((span) => inRange(span, value));
  const excluded = new Set(
    exclude
      .map(parseAddress)
      .filter(within)
      .map(({ value }) => value),
  );
  const size = spans.reduce((sum, span) => sum + rangeSize(span), 0n) - BigInt(excluded.size);
  return { cidr: parseCidr(cidr), ranges: spans, excluded, size };
}

/** Size as a number; beyond 2^53 - 1 the exact figure matters to nobody. */
export const sizeOf = ({ size }: PoolSpace): number =>
  size > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(size);

/** Block and offset of an address of the cidr, handed out or not. */
export function placeOf({ cidr }: PoolSpace, { value }: Address): Place {
  const index = value - cidr.base;
  return { block: index / SIZE, offset: Number(index % SIZE) };
}

export const addressAt = ({ cidr }: PoolSpace, { block, offset }: Place): Address => ({
  family: cidr.family,
  value: cidr.base + block * SIZE + BigInt(offset),
});

/** The part of a pool that lies within a range; blocks keep their numbers. */
export function narrowed(space: PoolSpace, { from, to }: Range): PoolSpace {
  const ranges = space.ranges
    .map((range) => ({
      ...range,
      from: range.from > from ? range.from : from,
      to: range.to < to ? range.to : to,
    }))
    .filter((range) => range.from <= range.to);
  const excluded = new Set([...space.excluded].filter((value) => value >= from && value <= to));
  const size = ranges.reduce((sum, range) => sum + rangeSize(range), 0n) - BigInt(excluded.size);
  return { ...space, ranges, excluded, size };
}

/** Whether the pool may hand this address out. */
export const isUsable = ({ ranges, excluded }: PoolSpace, address: Address): boolean =>
  ranges.some((range) => inRange(range, address)) && !excluded.has(address.value);

/** A search looks at the same few blocks again and again; a space never changes. */
const masks = new WeakMap<PoolSpace, Map<bigint, Mask>>();
const MOST_MASKS = 1024;

/** Offsets of block `n` that the ranges cover, exclusions taken off. */
export function usableMask(space: PoolSpace, n: bigint): Mask {
  const known = masks.get(space) ?? new Map<bigint, Mask>();
  masks.set(space, known);
  const mask = known.get(n) ?? computedMask(space, n);
  if (known.size >= MOST_MASKS) known.clear();
  known.set(n, mask);
  return mask;
}

function computedMask({ cidr, ranges, excluded }: PoolSpace, n: bigint): Mask {
  const first = cidr.base + n * SIZE;
  const clip = (value: bigint): number => {
    const offset = value - first;
    return Number(offset < -1n ? -1n : offset > SIZE ? SIZE : offset);
  };
  const covered = ranges.reduce(
    (mask, { from, to }) =>
      unionOf(mask, maskOfSpan(Math.max(0, clip(from)), Math.min(BLOCK_SIZE - 1, clip(to)))),
    NO_BITS,
  );
  return [...excluded]
    .map(clip)
    .filter((offset) => offset >= 0 && offset < BLOCK_SIZE)
    .reduce(withoutBit, covered);
}

/** First and last block number of each stretch of blocks that the ranges touch; sorted, disjoint. */
export function blockSpans({ cidr, ranges }: PoolSpace): readonly (readonly [bigint, bigint])[] {
  const spans: [bigint, bigint][] = [];
  for (const { from, to } of [...ranges].sort((a, b) => (a.from < b.from ? -1 : 1))) {
    const first = (from - cidr.base) / SIZE;
    const last = (to - cidr.base) / SIZE;
    const open = spans.at(-1);
    if (open && first <= open[1] + 1n) open[1] = last > open[1] ? last : open[1];
    else spans.push([first, last]);
  }
  return spans;
}

/** Block numbers that the ranges touch, each once, beginning `start` blocks in and going round. */
export function* blockNumbers(space: PoolSpace, start: bigint): Generator<bigint> {
  const spans = blockSpans(space);
  const total = spans.reduce((sum, [first, last]) => sum + last - first + 1n, 0n);
  for (let step = 0n; step < total; step++) yield nthOf(spans, (start + step) % total);
}

function nthOf(spans: readonly (readonly [bigint, bigint])[], index: bigint): bigint {
  let left = index;
  for (const [first, last] of spans) {
    if (left <= last - first) return first + left;
    left -= last - first + 1n;
  }
  throw new RangeError(`block ${String(index)} lies beyond the pool`);
}

/**
 * Addresses of one block that are not free though usable: held, cooling or quarantined. Those that
 * nodes keep in stock are free: they give them back when others starve.
 */
export function withheldIn(
  space: PoolSpace,
  n: bigint,
  { block, nowMs }: { block: WholeBlock; nowMs: number },
): number {
  const usable = usableMask(space, n);
  return popcount(usable) - popcount(freeIn({ ...block, spare: {} }, usable, nowMs));
}

/**
 * Addresses that the pool can hand out at `nowMs`. A block that was never written is wholly free, so
 * only the written ones are looked at.
 */
export function freeInPool(
  space: PoolSpace,
  blocks: Iterable<readonly [bigint, WholeBlock]>,
  nowMs: number,
): number {
  let withheld = 0;
  for (const [n, block] of blocks) withheld += withheldIn(space, n, { block, nowMs });
  return sizeOf(space) - withheld;
}

/** An address, and the node that has it. */
export interface NodeAddress {
  readonly node: string;
  readonly address: Address;
}

/** Addresses that nodes hold in one block, ascending. */
export const holdingsIn = (
  space: PoolSpace,
  n: bigint,
  block: WholeBlock,
): readonly NodeAddress[] => addressesOf(space, n, block.held);

/** Addresses that nodes keep in stock of one block, ascending. */
export const stockIn = (
  space: PoolSpace,
  n: bigint,
  { spare = {} }: WholeBlock,
): readonly NodeAddress[] => addressesOf(space, n, spare);

const addressesOf = (
  space: PoolSpace,
  n: bigint,
  masks: WholeBlock['held'],
): readonly NodeAddress[] =>
  Object.entries(masks)
    .flatMap(([node, mask]) =>
      offsetsIn(mask).map((offset) => ({ node, address: addressAt(space, { block: n, offset }) })),
    )
    .sort((a, b) => (a.address.value < b.address.value ? -1 : 1));

/**
 * Whether a node reaches a pool. An empty selector means every node.
 *
 * @param attributes what Mesos reports and what the node's record adds, merged
 */
export function reaches(
  { names = [], attributes: wanted = {} }: NodeSelector,
  node: string,
  attributes: Readonly<Record<string, string>>,
): boolean {
  const pairs = Object.entries(wanted);
  if (names.length === 0 && pairs.length === 0) return true;
  if (names.includes(node)) return true;
  const has = ([name, value]: readonly [string, string]): boolean =>
    Object.hasOwn(attributes, name) && attributes[name] === value;
  return pairs.length > 0 && pairs.every(has);
}

/** The address in words, for messages. */
export const addressText = (space: PoolSpace, place: Place): string =>
  formatAddress(addressAt(space, place));
