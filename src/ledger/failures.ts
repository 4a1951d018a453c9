import { createHash } from 'node:crypto';
import {
  type Failure,
  type FailureKind,
  failureGroup,
  type FailureRecord,
  joined,
  minuteOf,
  withFailure,
} from '../core/failure-record.ts';
import type { BadRecord } from './errors.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import { NoAddressLeft, NoClassLeft } from './lease-errors.ts';
import { records } from './records.ts';
import type { Read, Store } from './store.ts';
import { verdictId } from './verdicts.ts';

/** How many records are remembered when nobody says. */
export const FAILURES_KEPT = 5_000;

export interface FailureEntry {
  readonly id: string;
  readonly record: FailureRecord;
}

export interface FailurePage {
  /** Newest minute first. */
  readonly failures: readonly FailureEntry[];
  readonly faults: readonly BadRecord[];
  /** Hand it back as `before` for the page that follows; absent on the last one. */
  readonly next?: string;
}

/** What a launch that was refused so could not have; undefined when it was no lack of room. */
export const shortageIn = (fault: unknown): FailureKind | undefined =>
  fault instanceof NoAddressLeft
    ? 'address'
    : fault instanceof NoClassLeft
      ? 'bandwidth'
      : undefined;

/** Ids as the decision log has them, and the same for all failures that share a record. */
export const failureId = (failure: Failure): string =>
  verdictId(
    minuteOf(failure.atMs),
    createHash('sha256').update(failureGroup(failure)).digest('hex').slice(0, 12),
  );

/** One page, newest minute first; `limit` is within 1..1,000, default 50. */
export async function listFailures(
  read: Read,
  { before, limit = 50 }: { readonly before?: string; readonly limit?: number },
  signal: AbortSignal,
): Promise<FailurePage> {
  const after = before === undefined ? {} : { after: keys.failure(before) };
  const page = await read.range({ prefix: prefixes.failures, limit, ...after }, signal);
  const { good, faults } = records.failure.decodeAll(page.entries);
  const last = page.entries.at(-1);
  return {
    failures: good.map(({ key, record }) => ({ id: nameIn(prefixes.failures, key), record })),
    faults,
    ...(page.more && last ? { next: nameIn(prefixes.failures, last.key) } : {}),
  };
}

const READ_AT_ONCE = 500;

/** Every record that has failures at or after `sinceMs`, newest minute first, `most` of them at most. */
export async function failuresSince(
  read: Read,
  { sinceMs, most = FAILURES_KEPT }: { readonly sinceMs: number; readonly most?: number },
  signal: AbortSignal,
): Promise<readonly FailureEntry[]> {
  const found: FailureEntry[] = [];
  const end = verdictId(minuteOf(sinceMs), '~'); // sorts behind all of that minute
  for (let before: string | undefined, more = true; more && found.length < most;) {
    const query = { limit: READ_AT_ONCE, ...(before !== undefined && { before }) };
    const page = await listFailures(read, query, signal);
    found.push(...page.failures.filter(({ id, record }) => id <= end && record.atMs >= sinceMs));
    before = page.next;
    more = before !== undefined && before <= end;
  }
  return found.slice(0, most);
}

/** One commit holds 127 writes. */
const DROPPED_AT_ONCE = 100;

/**
 * Drops the oldest records beyond `most`, a hundred at a time.
 *
 * @returns how many went
 */
export async function trimFailures(
  store: Store,
  { most = FAILURES_KEPT }: { readonly most?: number },
  signal: AbortSignal,
): Promise<number> {
  const kept = await store.range({ prefix: prefixes.failures, limit: most }, signal);
  const last = kept.entries.at(-1)?.key;
  if (!kept.more || last === undefined) return 0;
  let dropped = 0;
  for (let more = true; more;) {
    const query = { prefix: prefixes.failures, after: last, limit: DROPPED_AT_ONCE };
    const page = await store.range(query, signal);
    const writes = page.entries.map(({ key }) => ({ drop: key }));
    if (writes.length > 0) await store.commit({ guards: [], writes }, signal);
    dropped += writes.length;
    more = page.more;
  }
  return dropped;
}

/** Records that one writer may fill in one minute; what goes beyond is counted for no app by name. */
export const GROUPS_A_MINUTE = 50;
/** How long a record stays open: a failure may be told a little late, ms. */
const OPEN_MS = 120_000;
/** Records that wait in memory while the ledger is away; the oldest go. */
const MOST_OPEN = 500;

interface Open {
  record: FailureRecord;
  /** Part of the ledger's count is in it: a writer of the same name was here before this one. */
  based: boolean;
  dirty: boolean;
}

/**
 * The writer's side: failures are counted in memory and written together, each group of a minute to one
 * key. What is written is the whole count, so that a write whose answer was lost may be said again.
 * Each node writes by itself; two writers of one node at the same time would overwrite each other.
 */
export class FailureLog {
  readonly #store: Store;
  readonly #open = new Map<string, Open>();
  #written = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether something waits to be written. */
  get pending(): boolean {
    return [...this.#open.values()].some(({ dirty }) => dirty);
  }

  add(failure: Failure): void {
    const told = this.#bounded(failure);
    const id = failureId(told);
    const open = this.#open.get(id);
    const record = withFailure(open?.record, told);
    this.#open.set(id, { record, based: open?.based ?? false, dirty: true });
    const [oldest] = this.#open.keys();
    if (this.#open.size > MOST_OPEN && oldest !== undefined) this.#open.delete(oldest);
  }

  /** Writes what was added; what cannot be written is tried again with the next call. @throws as Store */
  async flush(signal: AbortSignal): Promise<void> {
    const dirty = [...this.#open].filter(([, { dirty }]) => dirty);
    for (const [id, open] of dirty) if (!open.based) await this.#base(id, open, signal);
    for (let at = 0; at < dirty.length; at += DROPPED_AT_ONCE)
      await this.#write(dirty.slice(at, at + DROPPED_AT_ONCE), signal);
    const newestMs = Math.max(0, ...[...this.#open.values()].map(({ record }) => record.atMs));
    for (const [id, { record, dirty }] of this.#open)
      if (!dirty && record.atMs < newestMs - OPEN_MS) this.#open.delete(id);
  }

  async #base(id: string, open: Open, signal: AbortSignal): Promise<void> {
    const entry = await this.#store.get(keys.failure(id), signal);
    for (const { record } of entry ? records.failure.decodeAll([entry]).good : [])
      open.record = joined(record, open.record);
    open.based = true;
  }

  async #write(some: readonly (readonly [string, Open])[], signal: AbortSignal): Promise<void> {
    const writes = some.map(([id, { record }]) => ({
      put: keys.failure(id),
      value: records.failure.encode(record),
    }));
    const before = some.map(([, { record }]) => record.count);
    await this.#store.commit({ guards: [], writes }, signal);
    for (const [at, [, open]] of some.entries()) open.dirty = open.record.count !== before[at];
    this.#written += some.length;
    // a leading gate trims, too; where there is none, the nodes see to it themselves
    if (this.#written < FAILURES_KEPT / 10) return;
    this.#written = 0;
    await trimFailures(this.#store, {}, signal);
  }

  #bounded(failure: Failure): Failure {
    if (failure.app === undefined || this.#open.has(failureId(failure))) return failure;
    const minute = minuteOf(failure.atMs);
    const inIt = [...this.#open.values()].filter(({ record }) => minuteOf(record.atMs) === minute);
    if (inIt.length < GROUPS_A_MINUTE) return failure;
    const { atMs, node, network, short, why } = failure;
    return { atMs, node, network, short, why };
  }
}
