import type { BadRecord } from './errors.ts';
import { nameIn } from './keys.ts';
import { listAll } from './listing.ts';
import type { Codec } from './records.ts';
import type { Read, Store } from './store.ts';

/** One record per app under a prefix: what held.ts, injected.ts and app-rates.ts have in common. */
export interface AppNotes<Record> {
  /** @throws BadRecord */
  get(read: Pick<Read, 'get'>, app: string, signal: AbortSignal): Promise<Record | undefined>;
  list(read: Read, signal: AbortSignal): Promise<AppNoteList<Record>>;
  /** Overwrites: the last word counts. */
  set(store: Store, note: AppNote<Record>, signal: AbortSignal): Promise<void>;
  /** Idempotent. */
  drop(store: Store, app: string, signal: AbortSignal): Promise<void>;
}

export interface AppNote<Record> {
  /** Canonical id. */
  readonly app: string;
  readonly record: Record;
}

export interface AppNoteList<Record> {
  readonly notes: readonly AppNote<Record>[];
  readonly faults: readonly BadRecord[];
}

export function appNotes<Record>(
  prefix: string,
  key: (app: string) => string,
  codec: Codec<Record>,
): AppNotes<Record> {
  return {
    async get(read, app, signal) {
      const entry = await read.get(key(app), signal);
      return entry && codec.decode(entry);
    },
    async list(read, signal) {
      const { entries } = await listAll(read, prefix, { signal });
      const { good, faults } = codec.decodeAll(entries);
      const notes = good.map((kept) => ({ app: nameIn(prefix, kept.key), record: kept.record }));
      return { notes, faults };
    },
    async set(store, { app, record }, signal) {
      const value = codec.encode(record);
      await store.commit({ guards: [], writes: [{ put: key(app), value }] }, signal);
    },
    async drop(store, app, signal) {
      await store.commit({ guards: [], writes: [{ drop: key(app) }] }, signal);
    },
  };
}
