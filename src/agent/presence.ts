import { keys } from '../ledger/keys.ts';
import { UnknownNode } from '../ledger/lease-errors.ts';
import { records } from '../ledger/records.ts';
import type { Holding, Store } from '../ledger/store.ts';
import { transact } from '../ledger/transact.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Turn } from '../plumbing/loop.ts';

export interface PresenceDeps {
  readonly store: Store;
  readonly node: string;
  readonly bootId: string;
  readonly clock: Clock;
  /** How long after the last sign of life the node counts as gone, ms. */
  readonly ttlMs: number;
}

export interface Presence {
  /** Says that the node lives, and of which boot it is, unless both are said. */
  readonly turn: Turn;
  /** Takes the sign of life back. */
  stop(signal: AbortSignal): Promise<void>;
}

/** The node's sign of life: a key that vanishes with this process, and the boot id in its record. */
export function presence(deps: PresenceDeps): Presence {
  const { store, node, bootId, clock, ttlMs } = deps;
  const sinceMs = clock.now();
  let holding: Holding | undefined;
  const turn: Turn = async (signal) => {
    await registerBoot(deps, signal);
    if (holding && !holding.lost.aborted) return;
    holding = await store.hold(ttlMs, signal);
    const value = records.alive.encode({ v: 1, bootId, sinceMs });
    const writes = [{ put: keys.alive(node), value, holding }];
    await store.commit({ guards: [], writes }, signal);
  };
  return {
    turn,
    stop: async (signal) => {
      await holding?.release(signal);
    },
  };
}

/** @throws UnknownNode */
async function registerBoot(
  { store, node, bootId, clock }: PresenceDeps,
  signal: AbortSignal,
): Promise<void> {
  const key = keys.node(node);
  await transact(
    store,
    async (read) => {
      const entry = await read.get(key, signal);
      if (!entry) throw new UnknownNode(node);
      const record = records.node.decode(entry);
      if (record.bootId === bootId) return { result: undefined, guards: [], writes: [] };
      const value = records.node.encode({ ...record, bootId });
      const guards = [{ key, revision: entry.revision }];
      return { result: undefined, guards, writes: [{ put: key, value }] };
    },
    { signal, clock },
  );
}
