import type { NodeRoom } from './room.ts';
import type { NodeKnown } from './snapshot-known.ts';
import type { PlanBook } from './snapshot-plans.ts';
import type { PoolBook, PoolCounts } from './snapshot-pools.ts';
import type { PoolRecord } from './topology-record.ts';

/** All that is known about a node, for people. */
export interface NodeSeen extends NodeKnown {
  readonly name: string;
  readonly room: NodeRoom;
}

/** All that is known about a pool, for people. */
export interface PoolSeen extends PoolCounts {
  readonly name: string;
  readonly record: PoolRecord;
  /** Absent while no network has the pool: it serves nobody then. */
  readonly network?: string;
  /** Addresses promised to admitted apps and not taken yet. */
  readonly promised: number;
  /** What is left of all that; may be negative. */
  readonly free: number;
}

/** A pool's addresses as the fence shares them out. */
export interface PoolStock {
  readonly network: string;
  /** Free and in nobody's stock: whoever comes first has them. */
  readonly common: number;
  /** Promised to admitted apps and not taken yet. */
  readonly promised: number;
}

/** Of the pools that some network has, by name. */
export function stocksOf(pools: PoolBook, plans: PlanBook): Map<string, PoolStock> {
  const stocks = new Map<string, PoolStock>();
  for (const name of pools.names()) {
    const network = pools.networkOf(name);
    if (network === undefined) continue;
    const { unheld, spare } = pools.counts(name);
    stocks.set(name, { network, common: unheld - spare, promised: plans.drawnFrom(name) });
  }
  return stocks;
}

/** In order of name, those of no network included. */
export const poolsSeen = (pools: PoolBook, plans: PlanBook): PoolSeen[] =>
  [...pools.names()].sort().flatMap((name): PoolSeen[] => {
    const record = pools.record(name);
    const network = pools.networkOf(name);
    const counts = pools.counts(name);
    const promised = plans.drawnFrom(name);
    const free = counts.unheld - promised;
    return record
      ? [{ name, record, ...(network !== undefined && { network }), ...counts, promised, free }]
      : [];
  });
