import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { type Fences, fencesIn } from './fences.ts';
import { follow } from './follow.ts';
import { prefixes } from './keys.ts';
import type { Entry, Store } from './store.ts';

/** The fence's records, kept up to date. */
export interface FenceBook {
  /** As of the newest change heard of; empty before the first reading. */
  fences(): Fences;
  /** They were read, and the ledger answers. */
  ready(): boolean;
  /** @returns what ends that */
  onChange(listener: () => void): () => void;
}

export interface FenceBookDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/** Follows the fence's records until the signal. */
export function openFenceBook(deps: FenceBookDeps, signal: AbortSignal): FenceBook {
  const entries = new Map<string, Entry>();
  const listeners = new Set<() => void>();
  let fences: Fences | undefined;
  let isRead = false;
  const changed = (): void => {
    fences = undefined;
    for (const listener of listeners) listener();
  };
  const put = (key: string, entry: Entry | undefined): void => {
    if (entry) entries.set(key, entry);
    else entries.delete(key);
  };
  const follower = {
    reset: (all: readonly Entry[]) => {
      entries.clear();
      for (const entry of all) put(entry.key, entry);
      isRead = true;
      changed();
    },
    change: ({ changes }: { readonly changes: readonly { key: string; entry?: Entry }[] }) => {
      for (const { key, entry } of changes) put(key, entry);
      changed();
    },
  };
  const { state } = follow(deps, prefixes.fence, follower, signal);
  return {
    fences: () => (fences ??= fencesIn([...entries.values()])),
    ready: () => isRead && state.following,
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
