import type { WholeBlock } from './block.ts';
import type { Mask } from './mask.ts';
import { onesIn } from './mask.ts';

/** Addresses of one block that nobody can have now; each is counted under its first reason. */
export interface BlockCounts {
  readonly held: number;
  readonly quarantined: number;
  readonly cooling: number;
  /** Kept in stock by nodes, quarantined ones left out: they are room, so not withheld. */
  readonly spare: number;
  /** All but those in stock that the pool would otherwise hand out. */
  readonly withheld: number;
  /** When the next address has cooled down, ms since the epoch; Infinity when none is cooling. */
  readonly nextMs: number;
}

/** 256 bits; offset 0 is the highest bit of the first word, as in a mask. */
type Words = Uint32Array;

const WORDS = 8;

const wordsOf = (mask: Mask): Words =>
  Uint32Array.from({ length: WORDS }, (_, at) =>
    Number.parseInt(mask.slice(at * 8, at * 8 + 8), 16),
  );

const put = (words: Words, offset: number): void => {
  words[offset >> 5] = (words[offset >> 5] ?? 0) | (1 << (31 - (offset & 31)));
};

const count = (one: (at: number) => number): number => {
  let sum = 0;
  for (let at = 0; at < WORDS; at++) sum += onesIn(one(at));
  return sum;
};

/**
 * Counts a block a word at a time; core/pool.ts says the same, address by address, and more slowly.
 *
 * @param usable  the block's part of the pool's ranges, see usableMask
 * @param nowMs   Infinity leaves cooling addresses out of account
 */
export function countBlock(block: WholeBlock, usable: Mask, nowMs: number): BlockCounts {
  const held = unionOf(block.held);
  const spare = unionOf(block.spare);
  const quarantined = new Uint32Array(WORDS);
  for (const offset of Object.keys(block.quarantined)) put(quarantined, Number(offset));
  const { cooling, nextMs } = coolingOf(block, nowMs);
  const may = wordsOf(usable);
  const at = (words: Words, n: number): number => words[n] ?? 0;
  const either = (n: number): number => at(held, n) | at(quarantined, n);
  return {
    held: count((n) => at(held, n)),
    quarantined: count((n) => at(quarantined, n) & ~at(held, n)),
    spare: count((n) => at(spare, n) & ~either(n)),
    cooling: count((n) => at(cooling, n) & ~either(n)),
    withheld: count((n) => at(may, n) & (either(n) | at(cooling, n))),
    nextMs,
  };
}

/** Addresses in stock of each node in one block; what is held or withheld is no stock any more. */
export function countSpares(block: WholeBlock): Map<string, number> {
  const taken = unionOf(block.held);
  for (const offset of Object.keys(block.quarantined)) put(taken, Number(offset));
  return new Map(
    Object.entries(block.spare ?? {}).map(([node, mask]) => {
      const words = wordsOf(mask);
      return [node, count((n) => (words[n] ?? 0) & ~(taken[n] ?? 0))];
    }),
  );
}

function unionOf(masks: Readonly<Record<string, Mask>> = {}): Words {
  const union = new Uint32Array(WORDS);
  for (const mask of Object.values(masks)) {
    const words = wordsOf(mask);
    for (let at = 0; at < WORDS; at++) union[at] = (union[at] ?? 0) | (words[at] ?? 0);
  }
  return union;
}

function coolingOf(block: WholeBlock, nowMs: number): { cooling: Words; nextMs: number } {
  const cooling = new Uint32Array(WORDS);
  let nextMs = Infinity;
  for (const [offset, untilMs] of Object.entries(block.cooling)) {
    if (untilMs <= nowMs) continue;
    put(cooling, Number(offset));
    nextMs = Math.min(nextMs, untilMs);
  }
  return { cooling, nextMs };
}
