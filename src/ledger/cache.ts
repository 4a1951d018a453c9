import { keyOf } from './limits.ts';
import { listAll } from './listing.ts';
import type { Change, Entry, Outcome, Page, RangeQuery, Revision, Store } from './store.ts';

/** A listing that is kept: every change under `prefix` also moves `vouchedBy`. */
export interface KeptListing {
  readonly prefix: string;
  readonly vouchedBy: string;
}

/** Past this many keys it is cheaper to begin anew than to choose. */
const MOST_ENTRIES = 20_000;

/**
 * A store seen by one writer, with what it has read and written kept in memory, so that the usual
 * decision costs one round trip: its commit. Stale reads do no harm: whatever matters is guarded, the
 * commit loses, and what it was guarded by is read anew. What is decided without a commit, such as a
 * refusal, wants `forget` first.
 */
export class CachedStore implements Pick<Store, 'get' | 'range' | 'commit'> {
  readonly #store: Store;
  readonly #listings: readonly KeptListing[];
  readonly #entries = new Map<string, Entry | undefined>();
  readonly #lists = new Map<string, Map<string, Entry>>();

  constructor(store: Store, listings: readonly KeptListing[]) {
    this.#store = store;
    this.#listings = listings;
  }

  /** Forgets everything. */
  forget(): void {
    this.#entries.clear();
    this.#lists.clear();
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    if (this.#entries.has(key)) return this.#entries.get(key);
    const entry = await this.#store.get(key, signal);
    if (this.#entries.size >= MOST_ENTRIES) this.#entries.clear();
    this.#entries.set(key, entry);
    return entry;
  }

  /** A kept listing is one page. */
  async range(query: RangeQuery, signal: AbortSignal): Promise<Page> {
    if (!this.#listings.some(({ prefix }) => prefix === query.prefix))
      return this.#store.range(query, signal);
    const known = this.#lists.get(query.prefix) ?? (await this.#list(query.prefix, signal));
    return { entries: [...known.values()], revision: 0, more: false };
  }

  async #list(prefix: string, signal: AbortSignal): Promise<Map<string, Entry>> {
    const { entries } = await listAll(this.#store, prefix, { signal });
    const list = new Map(entries.map((entry) => [entry.key, entry]));
    this.#lists.set(prefix, list);
    return list;
  }

  async commit(change: Change, signal: AbortSignal): Promise<Outcome> {
    let outcome: Outcome;
    try {
      outcome = await this.#store.commit(change, signal);
    } catch (fault) {
      this.forget();
      throw fault;
    }
    if (outcome.won) this.#learn(change, outcome.revision);
    else await this.#readAnew(change, signal);
    return outcome;
  }

  #learn({ writes }: Change, revision: Revision): void {
    for (const write of writes) {
      const key = keyOf(write);
      const created = this.#entries.get(key)?.created ?? revision;
      this.#keep(key, 'put' in write ? { key, value: write.value, revision, created } : undefined);
    }
  }

  #keep(key: string, entry: Entry | undefined): void {
    this.#entries.set(key, entry);
    for (const [prefix, list] of this.#lists) {
      if (!key.startsWith(prefix)) continue;
      if (entry) list.set(key, entry);
      else list.delete(key);
    }
  }

  /** What the lost commit was guarded by; a listing falls with what vouches for it. */
  async #readAnew({ guards }: Change, signal: AbortSignal): Promise<void> {
    const now = await Promise.all(guards.map(({ key }) => this.#store.get(key, signal)));
    guards.forEach(({ key, revision }, index) => {
      const entry = now[index];
      this.#entries.set(key, entry);
      if ((entry?.revision ?? 0) !== revision) this.#fall(key);
    });
  }

  #fall(key: string): void {
    for (const { prefix, vouchedBy } of this.#listings)
      if (key === vouchedBy || key.startsWith(prefix)) this.#lists.delete(prefix);
  }
}
