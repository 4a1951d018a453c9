import { ordered } from '../byte-order.ts';
import { Compacted, LedgerMisuse } from '../errors.ts';
import type { Entry, Page, RangeQuery, Revision } from '../store.ts';
import type { History, Step } from './history.ts';
import { pageOf } from './tree.ts';
import type { Slot, Tree } from './tree.ts';

/** Snapshots of the past kept for listings that go on. */
const MAX_SNAPSHOTS = 4;

/** What a marked commit came to; `sequence` tells the operations of one slot apart. */
export interface Mark {
  readonly sequence: number;
  readonly won: boolean;
  readonly revision: Revision;
}

export interface Held {
  readonly ttlMs: number;
  readonly keys: Set<string>;
  /** Slots of the commits marked under this holding. */
  readonly marks: Map<number, Mark>;
}

/**
 * The durable store, as readers see it. Two invariants:
 * 1. Tree, revision and history change together, in `apply`, after the batch is on disk.
 * 2. Holdings and marks belong to the writer, which changes them while it evaluates; when its batch then
 *    fails, the store takes no more commits, so nobody sees the difference.
 */
export class State {
  revision: Revision;
  readonly tree: Tree;
  readonly history: History;
  readonly holdings: Map<string, Held>;
  /** Reads at an earlier revision cannot be answered: values from before the start are not known. */
  readonly #readableFrom: Revision;
  readonly #snapshots = new Map<Revision, Tree>();

  constructor(loaded: {
    tree: Tree;
    history: History;
    holdings: Map<string, Held>;
    revision: Revision;
  }) {
    this.tree = loaded.tree;
    this.history = loaded.history;
    this.holdings = loaded.holdings;
    this.revision = loaded.revision;
    this.#readableFrom = loaded.revision;
  }

  slot(key: string): Slot | undefined {
    return this.tree.get(ordered(key));
  }

  get(key: string): Entry | undefined {
    return this.slot(key)?.entry;
  }

  range(query: RangeQuery & { limit: number }): Page {
    const at = query.at ?? this.revision;
    return pageOf(this.#at(at), query, at);
  }

  apply(steps: readonly Step[]): void {
    for (const { revision, moves } of steps) {
      for (const { key, after } of moves) {
        if (after) this.tree.set(ordered(key), after);
        else this.tree.delete(ordered(key));
      }
      this.revision = revision;
    }
    this.history.append(steps);
  }

  #at(revision: Revision): Tree {
    if (revision === this.revision) return this.tree;
    if (revision > this.revision || !Number.isInteger(revision) || revision < 0)
      throw new LedgerMisuse(`revision ${revision}, which lies in the future or nowhere`);
    if (revision < Math.max(this.#readableFrom, this.history.floor)) throw new Compacted(revision);
    const known = this.#snapshots.get(revision);
    if (known) return known;
    return this.#remember(revision, this.#undone(revision));
  }

  #undone(revision: Revision): Tree {
    const tree = this.tree.clone();
    for (const { moves } of this.history.undoing(revision))
      for (const { key, before } of moves)
        if (before) tree.set(ordered(key), before);
        else tree.delete(ordered(key));
    return tree;
  }

  #remember(revision: Revision, tree: Tree): Tree {
    const [oldest] = this.#snapshots.keys();
    if (oldest !== undefined && this.#snapshots.size >= MAX_SNAPSHOTS)
      this.#snapshots.delete(oldest);
    this.#snapshots.set(revision, tree);
    return tree;
  }
}
