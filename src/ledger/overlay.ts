import { byBytes } from './byte-order.ts';
import { Draft } from './draft.ts';
import type { Follower } from './followed.ts';
import { listAll } from './listing.ts';
import { keyOf } from './limits.ts';
import type { Change, Entry, Guard, Page, RangeQuery, Read, Revision, Write } from './store.ts';
import { MAX_OPERATIONS } from './store.ts';

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
  /** By prefix; told of every write under it. */
  readonly #followers = new Map<string, Follower>();
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

  /** What `make` made for the prefix the first time, told of all that lies there and of each write since. */
  async followed<Kind extends Follower>(
    prefix: string,
    make: () => Kind,
    signal: AbortSignal,
  ): Promise<Kind> {
    const known = this.#followers.get(prefix);
    if (known) return known as Kind;
    const follower = make();
    const { entries } = await listAll(this, prefix, { signal });
    for (const entry of entries) follower.put(entry);
    this.#followers.set(prefix, follower);
    return follower;
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
    const guarded = added(this.#guards, guards, ({ key }) => key);
    const written = added(this.#writes, writes, keyOf);
    return Math.max(this.#guards.size + guarded, this.#writes.size + written) <= ROOM;
  }

  add({ guards, writes }: Change): void {
    for (const { key, revision } of guards) {
      if (this.#writes.has(key)) continue;
      const before = this.#guards.get(key);
      if (before !== undefined && before !== revision) this.#torn = true;
      this.#guards.set(key, revision);
    }
    for (const write of writes) this.#write(keyOf(write), write);
  }

  #write(key: string, write: Write): void {
    const pending = pendingEntry(write);
    this.#writes.set(key, write);
    if (pending) this.#pending.set(key, pending);
    else this.#pending.delete(key);
    for (const [prefix, listing] of this.#listings) this.#list(listing, prefix, key);
    for (const [prefix, follower] of this.#followers)
      if (key.startsWith(prefix)) {
        if (pending) follower.put(pending);
        else follower.drop(key);
      }
  }

  /** True when one key was read at two revisions: someone wrote in between, so the commit must lose. */
  get torn(): boolean {
    return this.#torn;
  }

  change(): Change {
    const guards: Guard[] = [...this.#guards].map(([key, revision]) => ({ key, revision }));
    return { guards, writes: [...this.#writes.values()].map(sent) };
  }
}

/** How many of the keys are new. */
function added<Item>(
  known: ReadonlyMap<string, unknown>,
  items: readonly Item[],
  key: (item: Item) => string,
): number {
  const fresh = new Set<string>();
  for (const item of items) if (!known.has(key(item))) fresh.add(key(item));
  return fresh.size;
}

function pendingEntry(write: Write): Entry | undefined {
  if (write instanceof Draft) return write;
  return 'put' in write ? new Draft(write.put, () => write.value) : undefined;
}

/** Spelled now: what is sent stands. */
const sent = (write: Write): Write =>
  write instanceof Draft ? { put: write.put, value: write.value } : write;

const within = (key: string, after: string | undefined, last: string | undefined): boolean =>
  (after === undefined || byBytes(key, after) > 0) &&
  (last === undefined || byBytes(key, last) <= 0);
