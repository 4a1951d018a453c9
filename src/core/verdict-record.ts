import type { Constraint } from './constraints.ts';
import type { Demand } from './demand.ts';

/** The decision log, as the ledger keeps it. */

export type Answer = 'admit' | 'reroute' | 'hold' | 'refuse' | 'pass';

/** One line of the decision log; bounded history. Key: verdict id. */
export interface VerdictRecord {
  readonly v: 1;
  readonly atMs: number;
  /** Method and canonical path. */
  readonly change: string;
  readonly apps: readonly string[];
  readonly answer: Answer;
  readonly message: string;
  /** Ledger revision and admission sequence that the verdict was computed on. */
  readonly revision: number;
  readonly sequence: number;
  /** What the judge was asked, so that the verdict can be replayed. */
  readonly asks: readonly VerdictAsk[];
  /** Why not elsewhere: per node and resource; cut at 200 nodes. */
  readonly nodes: readonly NodeReason[];
}

export interface VerdictAsk {
  readonly app: string;
  readonly instances: number;
  readonly demand: Demand;
  readonly constraints: readonly Constraint[];
}

export interface NodeReason {
  readonly node: string;
  /** Instances that would fit there. */
  readonly fits: number;
  /** The first thing that ran out, in words with figures; absent when everything fits. */
  readonly short?: string;
}
