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
  #torn = false;

  constructor(base: Read) {
    this.#base = base;
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    return this.#writes.has(key) ? this.#pending.get(key) : this.#base.get(key, signal);
  }

  async range(query: RangeQuery, signal: AbortSignal): Promise<Page> {
    const page = await this.#base.range(query, signal);
    const last = page.more ? page.entries.at(-1)?.key : undefined;
    const mine = [...this.#writes.keys()].filter(
      (key) => key.startsWith(query.prefix) && within(key, query.after, last),
    );
    if (mine.length === 0) return page;
    const written = new Set(mine);
    const entries = [
      ...page.entries.filter(({ key }) => !written.has(key)),
      ...mine.flatMap((key) => this.#pending.get(key) ?? []),
    ].sort((a, b) => order(a.key, b.key));
    return { ...page, entries };
  }

  /** Whether a decision's change still fits beside the others. */
  holds({ guards, writes }: Change): boolean {
    const guarded = new Set([...this.#guards.keys(), ...guards.map(({ key }) => key)]);
    const written = new Set([...this.#writes.keys(), ...writes.map(keyOf)]);
    return Math.max(guarded.size, written.size) <= ROOM;
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

const pendingEntry = (key: string, value: string): Entry => ({
  key,
  value,
  revision: PENDING,
  created: PENDING,
});

const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const within = (key: string, after: string | undefined, last: string | undefined): boolean =>
  (after === undefined || order(key, after) > 0) && (last === undefined || order(key, last) <= 0);
