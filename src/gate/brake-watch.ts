import type { FailureRecord } from '../core/failure-record.ts';
import { follow, type FollowDeps } from '../ledger/follow.ts';
import { prefixes } from '../ledger/keys.ts';
import { records } from '../ledger/records.ts';
import type { Entry } from '../ledger/store.ts';

/** Launches that failed lately, wherever; kept up to date. */
export interface FailureWatch {
  /** Those that failed at or after that moment. */
  since(atMs: number): readonly FailureRecord[];
  /** All that the ledger remembers, for a count. */
  readonly remembered: number;
  /** @returns what ends that */
  onChange(listener: () => void): () => void;
}

/** Follows the history of refused launches until the signal. It is bounded, and so is this. */
export function watchFailures(deps: FollowDeps, signal: AbortSignal): FailureWatch {
  const known = new Map<string, FailureRecord>();
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const take = (key: string, entry: Entry | undefined): void => {
    const [good] = entry ? records.failure.decodeAll([entry]).good : [];
    if (good) known.set(key, good.record);
    else known.delete(key); // dropped; or it does not read, which stops nothing
  };
  const follower = {
    reset: (entries: readonly Entry[]) => {
      known.clear();
      for (const entry of entries) take(entry.key, entry);
      tell();
    },
    change: ({ changes }: { changes: readonly { key: string; entry?: Entry | undefined }[] }) => {
      for (const { key, entry } of changes) take(key, entry);
      tell();
    },
  };
  follow(deps, prefixes.failures, follower, signal).done.catch((fault: unknown) => {
    if (!signal.aborted) deps.log.error('failed launches are followed no more', { fault });
  });
  return {
    since: (atMs) => [...known.values()].filter((record) => record.atMs >= atMs),
    get remembered() {
      return known.size;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
