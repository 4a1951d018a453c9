import type { Claim } from './claim.ts';
import type { Witness } from './room.ts';
import type { NodeReason } from './verdict-record.ts';

/** What one app got. */
export interface Grant {
  readonly claim: Claim;
  /** Fewer than the claim's when held. */
  readonly instances: number;
  /** Most instances at once: what a reservation promises. */
  readonly target: number;
  readonly witness: Witness;
  /** To be added to the app's own constraints. */
  readonly inject: readonly (readonly string[])[];
  /** The claim's, if they have to wait for each other's addresses (see ReservationRecord). */
  readonly atOnce?: number;
}

export type Verdict =
  | {
      readonly answer: 'admit' | 'reroute' | 'hold';
      readonly grants: readonly Grant[];
      readonly message: string;
    }
  | {
      readonly answer: 'refuse';
      readonly app: string;
      readonly message: string;
      readonly remedy: string;
      readonly nodes: readonly NodeReason[];
      /** Nodes beyond those: nothing is said of them. */
      readonly moreNodes: number;
    };
