/** What nodes' agents say of themselves, as the ledger keeps it. */

/** What a node's agent found when it last compared its containers with the ledger. Key: node. */
export interface ReconciledRecord {
  readonly v: 1;
  readonly atMs: number;
  readonly bootId?: string;
  /** Addresses that its containers show. */
  readonly running: number;
  readonly adopted: number;
  readonly completed: number;
  readonly released: number;
  /** Leases that nobody is seen on and that are kept even so. */
  readonly kept: number;
  /** What only people can put right, in words; cut at 50. */
  readonly conflicts: readonly string[];
  /** The last 20 that were given up on other evidence than Docker's own word, newest first. */
  readonly releases: readonly EvidentRelease[];
  /** The rebuild of the ledger that this look was made for. */
  readonly rebuild?: string;
}

export interface EvidentRelease {
  readonly atMs: number;
  readonly address: string;
  /** Whom the lease named. */
  readonly container?: string;
  readonly app?: string;
  /** The evidence, in words. */
  readonly why: string;
}

/** While it is there, nothing new is given out: the ledger is being filled from what runs. */
export interface RebuildingRecord {
  readonly v: 1;
  readonly id: string;
  readonly sinceMs: number;
}

/** There while a node's agent lives. Key: node. */
export interface AliveRecord {
  readonly v: 1;
  /** Of the machine: another one after it booted again. */
  readonly bootId: string;
  /** When this agent began, ms since the epoch. */
  readonly sinceMs: number;
}
