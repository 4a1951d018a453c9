import type { Log } from '../plumbing/log.ts';
import type { Clock } from '../plumbing/clock.ts';
import { type Follow, follow } from './follow.ts';
import { keys, prefixes, starvingIn } from './keys.ts';
import { records } from './records.ts';
import type { Entry, Read, Store } from './store.ts';
import type { Decision } from './transact.ts';

/** A node that says that it starves is believed so long, ms; it says it again while it does. */
export const BELIEVED_MS = 30_000;

export interface Starving {
  readonly pool: string;
  readonly node: string;
}

/** The node found no address in these pools, of which others keep some in stock. */
export async function decideStarve(
  read: Read,
  { node, pools, nowMs }: { node: string; pools: readonly string[]; nowMs: number },
  signal: AbortSignal,
): Promise<Decision<void>> {
  const tally = await read.get(keys.tally(node), signal);
  const value = records.starving.encode({ v: 1, atMs: nowMs });
  return {
    result: undefined,
    guards: [{ key: keys.tally(node), revision: tally?.revision ?? 0 }],
    writes: pools.map((pool) => ({ put: keys.starving(pool, node), value })),
  };
}

/** It found some. */
export async function decideServed(
  read: Read,
  { node, pools }: { node: string; pools: readonly string[] },
  signal: AbortSignal,
): Promise<Decision<void>> {
  const tally = await read.get(keys.tally(node), signal);
  return {
    result: undefined,
    guards: [{ key: keys.tally(node), revision: tally?.revision ?? 0 }],
    writes: pools.map((pool) => ({ drop: keys.starving(pool, node) })),
  };
}

/** Pools in which nodes other than this one starve, kept up to date. */
export interface Starvation extends Follow {
  pools(): ReadonlySet<string>;
}

/** @param tell  told whenever it may have changed */
export function followStarvation(
  deps: { readonly store: Store; readonly clock: Clock; readonly log: Log; readonly node: string },
  tell: () => void,
  signal: AbortSignal,
): Starvation {
  const known = new Map<string, Entry>();
  const following = follow(
    deps,
    prefixes.starving,
    {
      reset: (entries) => {
        known.clear();
        for (const entry of entries) known.set(entry.key, entry);
        tell();
      },
      change: ({ changes }) => {
        for (const { key, entry } of changes)
          if (entry) known.set(key, entry);
          else known.delete(key);
        tell();
      },
    },
    signal,
  );
  return { ...following, pools: () => starvedOf(known.values(), deps.node, deps.clock.now()) };
}

/** Pools in which others starve at `nowMs`, of what is written under `prefixes.starving`. */
export function starvedOf(
  entries: Iterable<Entry>,
  node: string,
  nowMs: number,
): ReadonlySet<string> {
  const { good } = records.starving.decodeAll([...entries]);
  const pools = new Set<string>();
  for (const { key, record } of good) {
    const at = starvingIn(key);
    if (at && at.node !== node && nowMs - record.atMs < BELIEVED_MS) pools.add(at.pool);
  }
  return pools;
}
