import type { WholeBlock } from './block.ts';
import { countSpares } from './snapshot-blocks.ts';

type Counts = ReadonlyMap<string, number>;

const NONE: Counts = new Map();

const sparesIn = (block: WholeBlock | undefined): Counts =>
  block?.spare === undefined ? NONE : countSpares(block);

/** A block as it is now, with what its nodes have in reserve; undefined when it is gone. */
type WholeOf = (pool: string, n: bigint) => WholeBlock | undefined;

/**
 * Which addresses in stock are whose. Only the fence asks, so that a change costs nothing until it does,
 * and then only the blocks that changed.
 */
export class SpareBook {
  readonly #wholeOf: WholeOf;
  readonly #changed = new Map<string, readonly [pool: string, n: bigint]>();
  readonly #blocks = new Map<string, Counts>();
  readonly #nodes = new Map<string, Map<string, number>>();

  constructor(wholeOf: WholeOf) {
    this.#wholeOf = wholeOf;
  }

  changed(pool: string, n: bigint): void {
    this.#changed.set(`${pool} ${n}`, [pool, n]);
  }

  /** Addresses in stock of `node`, by pool; none of them is 0. */
  of(node: string): Counts {
    this.#settle();
    return this.#nodes.get(node) ?? NONE;
  }

  #settle(): void {
    for (const [key, [pool, n]] of this.#changed) {
      const counts = sparesIn(this.#wholeOf(pool, n));
      this.#add(pool, this.#blocks.get(key) ?? NONE, -1);
      this.#add(pool, counts, 1);
      if (counts.size === 0) this.#blocks.delete(key);
      else this.#blocks.set(key, counts);
    }
    this.#changed.clear();
  }

  #add(pool: string, counts: Counts, sign: 1 | -1): void {
    for (const [node, count] of counts) {
      const pools = this.#nodes.get(node) ?? new Map<string, number>();
      const sum = (pools.get(pool) ?? 0) + sign * count;
      if (sum === 0) pools.delete(pool);
      else pools.set(pool, sum);
      if (pools.size === 0) this.#nodes.delete(node);
      else this.#nodes.set(node, pools);
    }
  }
}
