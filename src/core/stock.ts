/**
 * Of a pool's room, each node that uses the pool may keep one part in this many in stock. Room counts
 * what is in anybody's stock, so that stocking does not change it and nodes do not swing.
 */
const PARTS = 4;

export interface StockFacts {
  /** As many as the settings ask for. */
  readonly wanted: number;
  /** Whether the node hands addresses of the pool out at all. */
  readonly used: boolean;
  /** Addresses of the pool that are free or in anybody's stock. */
  readonly room: number;
  /** Nodes that hold or stock addresses of the pool; this one counts. */
  readonly sharers: number;
  /** Another node found none left. */
  readonly starving: boolean;
}

/** How many addresses of a pool a node should have in stock. */
export function stockTarget({ wanted, used, room, sharers, starving }: StockFacts): number {
  if (!used || starving) return 0;
  return Math.min(wanted, Math.floor(room / (PARTS * Math.max(1, sharers))));
}
