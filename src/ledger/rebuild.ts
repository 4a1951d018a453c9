import type { Clock } from '../plumbing/clock.ts';
import type { ReconciledRecord } from '../core/agent-record.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import { listAll } from './listing.ts';
import { records } from './records.ts';
import type { Store } from './store.ts';
import { transact } from './transact.ts';

export interface RebuildDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A node, and what it has said for a rebuild. */
export interface NodeAnswer {
  readonly node: string;
  /** Its agent gave a sign of life lately. */
  readonly alive: boolean;
  /** Absent until it has looked at its containers for this rebuild. */
  readonly said?: ReconciledRecord;
}

/**
 * From here on nothing new is given out, until endRebuild. Joins a rebuild that goes on already.
 *
 * @param id  names it, unless one goes on
 * @returns the name of the one that goes on
 */
export function beginRebuild(
  { store, clock, signal }: RebuildDeps,
  id: string,
): Promise<{ readonly id: string; readonly joined: boolean }> {
  return transact(
    store,
    async (read) => {
      const there = await read.get(keys.rebuilding, signal);
      if (there) {
        const result = { id: records.rebuilding.decode(there).id, joined: true };
        return { result, guards: [], writes: [] };
      }
      const value = records.rebuilding.encode({ v: 1, id, sinceMs: clock.now() });
      return {
        result: { id, joined: false },
        guards: [{ key: keys.rebuilding, revision: 0 }],
        writes: [{ put: keys.rebuilding, value }],
      };
    },
    { signal, clock },
  );
}

/** Every node that the ledger knows or that gives a sign of life, by name. */
export async function rebuildAnswers(
  { store, signal }: Pick<RebuildDeps, 'store' | 'signal'>,
  id: string,
): Promise<readonly NodeAnswer[]> {
  const namesUnder = async (prefix: string): Promise<ReadonlySet<string>> => {
    const { entries } = await listAll(store, prefix, { signal });
    return new Set(entries.map(({ key }) => nameIn(prefix, key)));
  };
  const [nodes, alive, reconciled] = await Promise.all([
    namesUnder(prefixes.nodes),
    namesUnder(prefixes.alive),
    listAll(store, prefixes.reconciled, { signal }),
  ]);
  const saidBy = new Map(
    records.reconciled
      .decodeAll(reconciled.entries)
      .good.filter(({ record }) => record.rebuild === id)
      .map(({ key, record }) => [nameIn(prefixes.reconciled, key), record]),
  );
  return [...new Set([...nodes, ...alive])].sort().map((node) => {
    const said = saidBy.get(node);
    return { node, alive: alive.has(node), ...(said ? { said } : {}) };
  });
}

/** Addresses are given out again. Idempotent. */
export async function endRebuild({
  store,
  signal,
}: Pick<RebuildDeps, 'store' | 'signal'>): Promise<void> {
  await store.commit({ guards: [], writes: [{ drop: keys.rebuilding }] }, signal);
}
