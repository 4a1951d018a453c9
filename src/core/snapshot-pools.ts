import type { WholeBlock } from './block.ts';
import type { Mask } from './mask.ts';
import { poolSpace, type PoolSpace, sizeOf, usableMask } from './pool.ts';
import type { BlockRecord, TallyRecord } from './lease-record.ts';
import type { NetworkRecord, PoolRecord } from './topology-record.ts';
import { wholeBlock } from './reserve.ts';
import { ReserveBook } from './snapshot-reserves.ts';
import { PoolSelectors } from './snapshot-selectors.ts';
import { type BlockCounts, countBlock } from './snapshot-blocks.ts';

/** A pool as its blocks show it. Addresses never used are in no block. */
export interface PoolCounts {
  /** Addresses that can ever be handed out. */
  readonly size: number;
  readonly held: number;
  readonly quarantined: number;
  readonly cooling: number;
  /** Kept in stock by nodes, which give it back when others starve: part of what is unheld. */
  readonly spare: number;
  /** Size less what is held, quarantined or cooling; promises are not taken off here. */
  readonly unheld: number;
}

interface Pool {
  readonly record: PoolRecord;
  readonly space: PoolSpace;
  readonly size: number;
  /** Kept, because every change of a block asks for it. */
  readonly usable: Map<bigint, Mask>;
}

interface Block {
  readonly record: BlockRecord;
  readonly counts: BlockCounts;
}

const NOTHING: BlockCounts = {
  ...{ held: 0, quarantined: 0, cooling: 0, spare: 0, withheld: 0 },
  nextMs: Infinity,
};

/** Pools, their networks and their blocks; one change of a block costs that block. */
export class PoolBook {
  readonly networks = new Map<string, NetworkRecord>();
  readonly #pools = new Map<string, Pool>();
  readonly #blocks = new Map<string, Map<bigint, Block>>();
  readonly #sums = new Map<string, BlockCounts>();
  readonly #networkOf = new Map<string, string>();
  readonly #selectors = new PoolSelectors();
  readonly #reserves = new ReserveBook();
  #nowMs = Infinity;
  #nextMs = Infinity;

  setNetwork(name: string, record: NetworkRecord | undefined): void {
    for (const pool of this.networks.get(name)?.pools ?? [])
      if (this.#networkOf.get(pool) === name) this.#networkOf.delete(pool);
    this.networks.delete(name);
    if (record === undefined) return;
    this.networks.set(name, record);
    for (const pool of record.pools) this.#networkOf.set(pool, name);
  }

  /** @throws BadAddress, BadCidr, BadRange and changes nothing */
  setPool(name: string, record: PoolRecord | undefined): void {
    const space = record && poolSpace(record);
    if (record && space)
      this.#pools.set(name, { record, space, size: sizeOf(space), usable: new Map() });
    else this.#pools.delete(name);
    this.#selectors.set(name, record?.nodes);
    this.#recount(name);
  }

  setBlock(pool: string, n: bigint, record: BlockRecord | undefined): void {
    const blocks = this.#blocks.get(pool) ?? new Map<bigint, Block>();
    this.#add(pool, blocks.get(n)?.counts ?? NOTHING, -1);
    if (record === undefined) blocks.delete(n);
    else blocks.set(n, { record, counts: this.#count(pool, n, record) });
    this.#add(pool, blocks.get(n)?.counts ?? NOTHING, 1);
    if (blocks.size === 0) this.#blocks.delete(pool);
    else this.#blocks.set(pool, blocks);
  }

  /** What a node has without a lease, which its tally says. @returns the blocks that it bears on */
  setReserve(
    node: string,
    before: TallyRecord['reserve'],
    after: TallyRecord['reserve'],
  ): readonly (readonly [pool: string, n: bigint])[] {
    const changed = this.#reserves.change(node, before, after);
    for (const [pool, n] of changed) {
      const block = this.#blocks.get(pool)?.get(n);
      if (block) this.setBlock(pool, n, block.record);
    }
    return changed;
  }

  /** A block with what its nodes have in reserve. */
  wholeOf(pool: string, n: bigint): WholeBlock | undefined {
    const block = this.#blocks.get(pool)?.get(n);
    return block && wholeBlock(block.record, this.#reserves.of(pool, n));
  }

  /** Lets addresses cool down. @returns the pools that have more to give now */
  setNow(nowMs: number): string[] {
    const back = nowMs < this.#nowMs;
    this.#nowMs = nowMs;
    if (!back && nowMs < this.#nextMs) return [];
    this.#nextMs = Infinity;
    const changed = [...this.#blocks.keys()].filter((pool) => back || this.#due(pool));
    for (const pool of changed) this.#recount(pool);
    return changed;
  }

  #due(pool: string): boolean {
    const { nextMs } = this.#sums.get(pool) ?? NOTHING;
    if (nextMs > this.#nowMs) this.#nextMs = Math.min(this.#nextMs, nextMs);
    return nextMs <= this.#nowMs;
  }

  #recount(pool: string): void {
    const blocks = this.#blocks.get(pool);
    this.#sums.delete(pool);
    for (const [n, { record }] of blocks ?? []) {
      const counts = this.#count(pool, n, record);
      blocks?.set(n, { record, counts });
      this.#add(pool, counts, 1);
    }
  }

  #count(pool: string, n: bigint, record: BlockRecord): BlockCounts {
    const known = this.#pools.get(pool);
    if (!known) return NOTHING;
    const usable = known.usable.get(n) ?? usableMask(known.space, n);
    known.usable.set(n, usable);
    const whole = wholeBlock(record, this.#reserves.of(pool, n));
    return countBlock(whole, usable, this.#nowMs);
  }

  /** `nextMs` of a sum is a lower bound: a recount corrects it. */
  #add(pool: string, counts: BlockCounts, sign: 1 | -1): void {
    const sum = this.#sums.get(pool) ?? NOTHING;
    this.#sums.set(pool, {
      held: sum.held + sign * counts.held,
      quarantined: sum.quarantined + sign * counts.quarantined,
      cooling: sum.cooling + sign * counts.cooling,
      spare: sum.spare + sign * counts.spare,
      withheld: sum.withheld + sign * counts.withheld,
      nextMs: sign > 0 ? Math.min(sum.nextMs, counts.nextMs) : sum.nextMs,
    });
    if (sign > 0) this.#nextMs = Math.min(this.#nextMs, counts.nextMs);
  }

  record(pool: string): PoolRecord | undefined {
    return this.#pools.get(pool)?.record;
  }

  names(): IterableIterator<string> {
    return this.#pools.keys();
  }

  counts(pool: string): PoolCounts {
    const size = this.#pools.get(pool)?.size ?? 0;
    const { withheld, held, quarantined, cooling, spare } = this.#sums.get(pool) ?? NOTHING;
    return { size, held, quarantined, cooling, spare, unheld: size - withheld };
  }

  /** The network that a known pool belongs to; a pool of no network serves nobody. */
  networkOf(pool: string): string | undefined {
    return this.#pools.has(pool) ? this.#networkOf.get(pool) : undefined;
  }

  poolsOf(network: string): readonly string[] {
    const pools = this.networks.get(network)?.pools ?? [];
    return pools.filter((pool) => this.networkOf(pool) === network);
  }

  /** Pools, sorted, that a node reaches and some network has. */
  reachedBy(node: string, attributes: Readonly<Record<string, string>>): readonly string[] {
    const reached = this.#selectors.reachedBy(node, attributes);
    return reached.filter((pool) => this.networkOf(pool) !== undefined);
  }
}
