import type { DockerLook } from './docker-seen.ts';
import type { LeaseRecord } from './lease-record.ts';

/** A lease that the ledger has for the node. */
export interface NodeLeaseSeen {
  readonly address: string;
  readonly lease: LeaseRecord;
}

/** Everything that a turn of the reconcile rests on. */
export interface ReconcileInput {
  readonly docker: DockerLook;
  /** Read before Docker was looked at, so that none of them is younger than the look. */
  readonly leases: readonly NodeLeaseSeen[];
  /** `address incarnation` of releases that Docker asked for and that the ledger has not heard of. */
  readonly pending: ReadonlySet<string>;
  /** Addresses being handed out right now. */
  readonly inFlight: ReadonlySet<string>;
  /** Of the running system; undefined when it cannot be read: then no boot has ever changed. */
  readonly bootId: string | undefined;
  /** Of a clock that is never set, ms. */
  readonly steadyMs: number;
  /** Looks that found nobody must span at least this long, ms. */
  readonly apartMs: number;
  readonly memory: ReconcileMemory;
}

/** How long nobody was seen, and how often it was looked. */
export interface Absence {
  readonly sinceMs: number;
  readonly looks: number;
}
export type Absences = ReadonlyMap<string, Absence>;

/** What earlier looks of this process found. */
export interface ReconcileMemory {
  /** `address incarnation` of leases that nobody was seen on -> since when. */
  readonly absent: Absences;
  /** Leases of an earlier boot that something was seen on in this one. */
  readonly tookUp: ReadonlySet<string>;
}

export const NOTHING_REMEMBERED: ReconcileMemory = { absent: new Map(), tookUp: new Set() };

/** Names one holding of an address: the next lease of it has another incarnation. */
export const holdingName = (address: string, incarnation: string): string =>
  `${address} ${incarnation}`;
