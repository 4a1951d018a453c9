import {
  type Failure,
  type FailureRecord,
  joined,
  minuteOf,
  withFailure,
} from '../core/failure-record.ts';
import { failureId, FAILURES_KEPT, trimFailures } from './failures.ts';
import { keys } from './keys.ts';
import { records } from './records.ts';
import type { Store } from './store.ts';

/** One commit holds 127 writes. */
const WRITTEN_AT_ONCE = 100;
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
    for (let at = 0; at < dirty.length; at += WRITTEN_AT_ONCE)
      await this.#write(dirty.slice(at, at + WRITTEN_AT_ONCE), signal);
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
