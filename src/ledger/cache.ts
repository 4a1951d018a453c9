import { keyOf } from './limits.ts';
import { listAll } from './listing.ts';
import type { Change, Entry, Guard, Outcome, Page, RangeQuery, Revision, Store } from './store.ts';

/** A listing that is kept: every change under `prefix` also moves `vouchedBy`. */
export interface KeptListing {
  readonly prefix: string;
  readonly vouchedBy: string;
}

export interface CacheRules {
  readonly listings: readonly KeptListing[];
  /**
   * What else rests on a key: single keys under the prefix it names fall with it. Whoever relies on that
   * reads the key first and what rests on it after.
   */
  readonly vouches?: (key: string) => string | undefined;
  /** Read anew each time, for others write it all the time. */
  readonly isOthers?: (key: string) => boolean;
}

type Entries = Map<string, Entry>;

/** Past this many keys it is cheaper to begin anew than to choose. */
const MOST_ENTRIES = 20_000;
const MOST_HOT = 256;

/**
 * A store seen by one writer, with what it has read and written kept in memory, so that the usual
 * decision costs one round trip: its commit. Stale reads do no harm: whatever matters is guarded, the
 * commit loses, and what it was guarded by is read anew. What is decided without a commit, such as a
 * refusal, wants `forget` first.
 */
export class CachedStore implements Pick<Store, 'get' | 'range' | 'commit'> {
  readonly #store: Pick<Store, 'get' | 'range' | 'commit'>;
  readonly #rules: Required<CacheRules>;
  /** Single keys, those under a kept listing excepted. */
  readonly #entries = new Map<string, Entry | undefined>();
  readonly #lists = new Map<string, Entries>();
  /** Keys that made commits lose: those that others write too. */
  readonly #hot = new Set<string>();
  /**
   * What may have made the last commit lose, or did: read anew when next something is read, not before, for
   * rivals go on writing while the loser pauses.
   */
  #stale: readonly Guard[] = [];
  #renewing: Promise<void> | undefined;
  #inDoubt = false;

  constructor(
    store: Pick<Store, 'get' | 'range' | 'commit'>,
    { listings, vouches = () => undefined, isOthers = () => false }: CacheRules,
  ) {
    this.#store = store;
    this.#rules = { listings, vouches, isOthers };
  }

  /** A commit ended without an answer: it may still arrive, unless what it was guarded by moves. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /** What the commits in doubt were guarded by has moved since: each has arrived or never will. */
  settled(): void {
    this.#inDoubt = false;
  }

  /** Forgets everything. */
  forget(): void {
    this.#stale = [];
    this.#entries.clear();
    this.#lists.clear();
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    if (this.#rules.isOthers(key)) return this.#store.get(key, signal);
    if (this.#stale.length > 0) await this.#renew(signal);
    const list = this.#listOf(key);
    if (list) return list.get(key);
    if (this.#entries.has(key)) return this.#entries.get(key);
    const entry = await this.#store.get(key, signal);
    this.#keep(key, entry);
    return entry;
  }

  /** A kept listing is one page. */
  async range(query: RangeQuery, signal: AbortSignal): Promise<Page> {
    if (!this.#rules.listings.some(({ prefix }) => prefix === query.prefix))
      return this.#store.range(query, signal);
    if (this.#stale.length > 0) await this.#renew(signal);
    const known = this.#lists.get(query.prefix) ?? (await this.#list(query.prefix, signal));
    return { entries: [...known.values()], revision: 0, more: false };
  }

  async #list(prefix: string, signal: AbortSignal): Promise<Entries> {
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
      if (change.writes.length > 0) this.#inDoubt = true;
      throw fault;
    }
    if (outcome.won) this.#learn(change, outcome.revision);
    else if (outcome.found) this.#stale = this.#found(change.guards, outcome.found);
    else this.#stale = change.guards;
    return outcome;
  }

  #learn({ writes }: Change, revision: Revision): void {
    for (const write of writes) {
      const key = keyOf(write);
      const created = (this.#listOf(key) ?? this.#entries).get(key)?.created ?? revision;
      this.#keep(key, 'put' in write ? { key, value: write.value, revision, created } : undefined);
    }
  }

  #keep(key: string, entry: Entry | undefined): void {
    if (this.#rules.isOthers(key)) return;
    const list = this.#listOf(key);
    if (!list) {
      if (this.#entries.size >= MOST_ENTRIES) this.#entries.clear();
      else this.#entries.set(key, entry); // alone it would outlive what vouches for it
    } else if (entry) list.set(key, entry);
    else list.delete(key);
  }

  #listOf(key: string): Entries | undefined {
    for (const [prefix, list] of this.#lists) if (key.startsWith(prefix)) return list;
    return undefined;
  }

  #renew(signal: AbortSignal): Promise<void> {
    this.#renewing ??= this.#readAnew(this.#stale, signal).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /**
   * What made a commit lose: keys that others wrote before are looked at first, for usually it is one of
   * them again. A listing falls with what vouches for it.
   */
  async #readAnew(guards: readonly Guard[], signal: AbortSignal): Promise<void> {
    const hot = guards.filter(({ key }) => this.#hot.has(key));
    const others = guards.filter(({ key }) => !this.#hot.has(key));
    const moved = hot.length > 0 ? await this.#moved(hot, signal) : [];
    if (moved.length === 0) await this.#moved(others, signal);
    if (this.#stale === guards) this.#stale = [];
  }

  /** Reads them anew. @returns those that have moved */
  async #moved(guards: readonly Guard[], signal: AbortSignal): Promise<readonly Guard[]> {
    return this.#found(
      guards,
      await Promise.all(guards.map(({ key }) => this.#store.get(key, signal))),
    );
  }

  /** @returns those that have moved, as they are now */
  #found(guards: readonly Guard[], now: readonly (Entry | undefined)[]): readonly Guard[] {
    const moved = guards.flatMap(({ key, revision: before }, at) => {
      const revision = now[at]?.revision ?? 0;
      return revision === before ? [] : [{ key, revision }];
    });
    for (const { key } of moved) {
      this.#fall(key);
      if (this.#hot.size >= MOST_HOT) this.#hot.clear();
      this.#hot.add(key);
    }
    guards.forEach(({ key }, at) => this.#keep(key, now[at]));
    // read beside what vouches for it, so perhaps before that moved
    for (const { key } of moved) this.#forgetVouched(key);
    return moved;
  }

  #fall(key: string): void {
    for (const { prefix, vouchedBy } of this.#rules.listings) {
      if (key !== vouchedBy && !key.startsWith(prefix)) continue;
      this.#lists.delete(prefix);
      this.#forgetUnder(prefix);
    }
  }

  #forgetVouched(key: string): void {
    const prefix = this.#rules.vouches(key);
    if (prefix !== undefined) this.#forgetUnder(prefix);
  }

  #forgetUnder(prefix: string): void {
    for (const known of this.#entries.keys())
      if (known.startsWith(prefix)) this.#entries.delete(known);
  }
}
