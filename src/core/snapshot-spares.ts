import { minus, NO_BITS, popcount, unionOf, withBit } from './block.ts';
import type { BlockRecord } from './records.ts';

type Counts = ReadonlyMap<string, number>;

const NONE: Counts = new Map();

/** Addresses that nodes keep in stock in one block; what is held or withheld is no stock any more. */
function sparesIn(block: BlockRecord | undefined): Counts {
  if (block?.spare === undefined) return NONE;
  const held = Object.values(block.held).reduce(unionOf, NO_BITS);
  const taken = Object.keys(block.quarantined).reduce(
    (mask, offset) => withBit(mask, Number(offset)),
    held,
  );
  return new Map(
    Object.entries(block.spare).map(([node, mask]) => [node, popcount(minus(mask, taken))]),
  );
}

interface Changed {
  readonly pool: string;
  readonly record: BlockRecord | undefined;
}

/**
 * Which addresses in stock are whose. Only the fence asks, so that a change costs nothing until it does,
 * and then only the blocks that changed.
 */
export class SpareBook {
  readonly #changed = new Map<string, Changed>();
  readonly #blocks = new Map<string, Counts>();
  readonly #nodes = new Map<string, Map<string, number>>();

  setBlock(pool: string, n: bigint, record: BlockRecord | undefined): void {
    this.#changed.set(`${pool} ${n}`, { pool, record });
  }

  /** Addresses in stock of `node`, by pool; none of them is 0. */
  of(node: string): Counts {
    this.#settle();
    return this.#nodes.get(node) ?? NONE;
  }

  #settle(): void {
    for (const [key, { pool, record }] of this.#changed) {
      const counts = sparesIn(record);
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
