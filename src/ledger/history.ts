import type { BadRecord } from './errors.ts';
import { nameIn } from './keys.ts';
import type { Codec } from './records.ts';
import type { Read, Store } from './store.ts';

/** A bounded log of the ledger: its ids sort newest first, see `verdictId`. */
export interface History<Shape> {
  readonly prefix: string;
  readonly key: (id: string) => string;
  readonly codec: Codec<Shape>;
}

export interface HistoryPage<Shape> {
  /** Newest first. */
  readonly entries: readonly { readonly id: string; readonly record: Shape }[];
  readonly faults: readonly BadRecord[];
  /** Hand it back as `before` for the page that follows; absent on the last one. */
  readonly next?: string;
}

export interface HistoryQuery {
  readonly before?: string;
  /** Within 1..1,000, default 50. */
  readonly limit?: number;
}

/** One page, newest first. @throws LedgerUnreachable */
export async function listHistory<Shape>(
  read: Read,
  { prefix, key, codec }: History<Shape>,
  { before, limit = 50 }: HistoryQuery,
  signal: AbortSignal,
): Promise<HistoryPage<Shape>> {
  const after = before === undefined ? {} : { after: key(before) };
  const page = await read.range({ prefix, limit, ...after }, signal);
  const { good, faults } = codec.decodeAll(page.entries);
  const last = page.entries.at(-1);
  return {
    entries: good.map((one) => ({ id: nameIn(prefix, one.key), record: one.record })),
    faults,
    ...(page.more && last ? { next: nameIn(prefix, last.key) } : {}),
  };
}

/** One commit holds 127 writes. */
const DROPPED_AT_ONCE = 100;

/**
 * Drops the oldest entries beyond `most`, a hundred at a time.
 *
 * @returns how many went
 */
export async function trimHistory(
  store: Store,
  { prefix, most }: { readonly prefix: string; readonly most: number },
  signal: AbortSignal,
): Promise<number> {
  const kept = await store.range({ prefix, limit: most }, signal);
  const last = kept.entries.at(-1)?.key;
  if (!kept.more || last === undefined) return 0;
  let dropped = 0;
  for (let more = true; more;) {
    const page = await store.range({ prefix, after: last, limit: DROPPED_AT_ONCE }, signal);
    const writes = page.entries.map(({ key }) => ({ drop: key }));
    if (writes.length > 0) await store.commit({ guards: [], writes }, signal);
    dropped += writes.length;
    more = page.more;
  }
  return dropped;
}
