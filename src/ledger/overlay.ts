import { byBytes } from './byte-order.ts';
import { keyOf } from './limits.ts';
import type { Change, Entry, Guard, Page, RangeQuery, Read, Revision, Write } from './store.ts';
import { MAX_OPERATIONS } from './store.ts';

/** Revision of an entry that is written by the commit being put together. */
const PENDING: Revision = -1;
/** The mark that finds a lost answer again takes one of each. */
const ROOM = MAX_OPERATIONS - 1;

/**
 * Several decisions made one after the other into one commit: each reads what the earlier ones would
 * leave behind. Guards on what an earlier one writes are dropped, for its own guard vouches for them.
 */
export class Overlay implements Read {
  readonly #base: Read;
  readonly #guards = new Map<string, Revision>();
  readonly #writes = new Map<string, Write>();
  /** What the writes would leave behind; one object each, so that it is decoded once. */
  readonly #pending = new Map<string, Entry>();
  /** Listings of one page, by prefix, with what the writes would leave behind. */
  readonly #listings = new Map<string, Map<string, Entry>>();
  #torn = false;

  constructor(base: Read) {
    this.#base = base;
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    return this.#writes.has(key) ? this.#pending.get(key) : this.#base.get(key, signal);
  }

  /** A listing that is one page is in no order. */
  async range(query: RangeQuery, signal: AbortSignal): Promise<Page> {
    const { prefix, after, at } = query;
    const known = after === undefined && at === undefined ? this.#listings.get(prefix) : undefined;
    if (known) return { entries: [...known.values()], revision: 0, more: false };
    const page = await this.#base.range(query, signal);
    if (page.more || after !== undefined || at !== undefined) return this.#overlaid(query, page);
    const listing = new Map(page.entries.map((entry) => [entry.key, entry]));
    for (const key of this.#writes.keys()) this.#list(listing, prefix, key);
    this.#listings.set(prefix, listing);
    return { ...page, entries: [...listing.values()] };
  }

  #list(listing: Map<string, Entry>, prefix: string, key: string): void {
    if (!key.startsWith(prefix)) return;
    const entry = this.#pending.get(key);
    if (entry) listing.set(key, entry);
    else listing.delete(key);
  }

  /** One page of several. */
  #overlaid({ prefix, after }: RangeQuery, page: Page): Page {
    const last = page.more ? page.entries.at(-1)?.key : undefined;
    const mine = [...this.#writes.keys()].filter(
      (key) => key.startsWith(prefix) && within(key, after, last),
    );
    const written = new Set(mine);
    const entries = [
      ...page.entries.filter(({ key }) => !written.has(key)),
      ...mine.flatMap((key) => this.#pending.get(key) ?? []),
    ].sort((a, b) => byBytes(a.key, b.key));
    return { ...page, entries };
  }

  /** Whether a decision's change still fits beside the others. */
  holds({ guards, writes }: Change): boolean {
    const guarded = added(
      this.#guards,
      guards.map(({ key }) => key),
    );
    const written = added(this.#writes, writes.map(keyOf));
    return Math.max(this.#guards.size + guarded, this.#writes.size + written) <= ROOM;
  }

  add({ guards, writes }: Change): void {
    for (const { key, revision } of guards) {
      if (this.#writes.has(key)) continue;
      const before = this.#guards.get(key);
      if (before !== undefined && before !== revision) this.#torn = true;
      this.#guards.set(key, revision);
    }
    for (const write of writes) {
      const key = keyOf(write);
      this.#writes.set(key, write);
      if ('put' in write) this.#pending.set(key, pendingEntry(key, write.value));
      else this.#pending.delete(key);
      for (const [prefix, listing] of this.#listings) this.#list(listing, prefix, key);
    }
  }

  /** True when one key was read at two revisions: someone wrote in between, so the commit must lose. */
  get torn(): boolean {
    return this.#torn;
  }

  change(): Change {
    const guards: Guard[] = [...this.#guards].map(([key, revision]) => ({ key, revision }));
    return { guards, writes: [...this.#writes.values()] };
  }
}

/** How many of the keys are new. */
const added = (known: ReadonlyMap<string, unknown>, keys: readonly string[]): number =>
  new Set(keys.filter((key) => !known.has(key))).size;

const pendingEntry = (key: string, value: string): Entry => ({
  key,
  value,
  revision: PENDING,
  created: PENDING,
});

const within = (key: string, after: string | undefined, last: string | undefined): boolean =>
  (after === undefined || byBytes(key, after) > 0) &&
  (last === undefined || byBytes(key, last) <= 0);
