import type { Constraint } from './constraints.ts';
import type { Rates } from './container-rates.ts';
import type { Demand } from './demand.ts';

/** What the gate has promised and written into apps, as the ledger keeps it. */

/** A sequence number that every admitted change advances: rivals collide on it. */
export interface AdmissionRecord {
  readonly v: 1;
  readonly sequence: number;
}

/**
 * Room promised to an admitted change and not yet turned into leases. A target, not a delta: what is
 * still owed is `target` minus the leases that the tallies show for the app. Key: canonical app id.
 */
export interface ReservationRecord {
  readonly v: 1;
  /** Operation id of the admitted change. */
  readonly id: string;
  /** Most instances that will exist at once (the peak). */
  readonly target: number;
  readonly demand: Demand;
  readonly constraints: readonly Constraint[];
  /** Where the owed instances can go: [node, count]. One proof, not a plan that binds Marathon. */
  readonly witness: readonly (readonly [string, number])[];
  /** Addresses that the witness takes: [pool, count]. */
  readonly draws: readonly (readonly [string, number])[];
  readonly sequence: number;
  readonly sinceMs: number;
  readonly deadlineMs: number;
  /** SHA-256 of the canonical request; a replay within its time-out is the same promise. */
  readonly fingerprint: string;
  /**
   * When the promise is kept: `leases` once the app holds its target, `deployment` once the deployment
   * is gone (old instances are replaced while it runs), `deadline` never earlier (a kill frees first).
   */
  readonly until: 'leases' | 'deployment' | 'deadline';
  /**
   * How much more than today each instance that runs now will need once it is replaced, kbit/s; counted
   * on the nodes where the app holds leases until the promise ends. 0 when the demand does not grow.
   */
  readonly growInKbit: number;
  readonly growOutKbit: number;
  /**
   * Instances that are ended and started again at once, when more of them than may fail together have no
   * address until those of the ended have rested (core/fence-burst.ts); else absent.
   */
  readonly atOnce?: number;
  /** What Marathon answered; absent while the outcome is unknown. */
  readonly deployment?: string;
}

/**
 * What an app was admitted with and its containers cannot say: Marathon hands Docker the name of a network
 * and not its labels. Key: canonical app id.
 *
 * The newest admitted definition speaks for all instances of the app. A lease takes it up when its container
 * starts, and keeps it: of an upgrade's old instances those that run are not changed, and one that starts
 * late is replaced by that very upgrade. Where Marathon refused the definition the former word is back;
 * where nobody knows what it did with it, the word stands until the app's next change.
 */
export interface AppRatesRecord {
  readonly v: 1;
  /** By network; a direction that its labels do not speak of is absent. */
  readonly networks: Readonly<Record<string, Rates>>;
  readonly sinceMs: number;
}

/** Constraints that the gate added to an app. Key: canonical app id. */
export interface InjectedRecord {
  readonly v: 1;
  /** Exactly as Marathon got them, in order, e.g. ["hostname","UNLIKE","n1|n2"]. */
  readonly constraints: readonly (readonly string[])[];
  readonly sinceMs: number;
}
