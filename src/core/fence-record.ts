/**
 * `closing`: Mesos is about to be asked, or was and has not answered. `closed`: it said yes, or shows it.
 * `opening`: about to be asked to offer the node again. `yielded`: somebody keeps undoing it, so that it
 * is left alone for a while.
 */
export type FenceState = 'closing' | 'closed' | 'opening' | 'yielded';

/** What a node had left when it was judged. */
export interface FenceFigures {
  /** On the network of which most are left: what this node could take of it. */
  readonly addresses: number;
  /** That network; absent where the node reaches none. */
  readonly network?: string;
  /** Bandwidth left each way, kbit/s; may be negative. */
  readonly netInKbit: number;
  readonly netOutKbit: number;
  /** What it could have run that needs no address: host networking, other frameworks. */
  readonly cpus: number;
  readonly memMiB: number;
}

/**
 * A node that we took out of Mesos' offers, or are about to. Written before Mesos is asked and dropped
 * after it was asked back, so that whatever is deactivated without a record is not ours. Key: node.
 */
export interface FenceRecord {
  readonly v: 1;
  /** The flag in Mesos belongs to this agent id and goes with it. */
  readonly agentId: string;
  readonly state: FenceState;
  /** `watch`: what would have been done; Mesos was never asked. */
  readonly mode: 'on' | 'watch';
  /** How the node is kept out: by the agent's flag, or by reserving its token resource. */
  readonly by: 'deactivate' | 'token';
  readonly why: string;
  readonly figures: FenceFigures;
  /** When the present state began. */
  readonly sinceMs: number;
  /** Of the leader's term that wrote it. */
  readonly term: number;
  /** When it was closed or opened lately, oldest first. */
  readonly flips: readonly number[];
  /** When somebody else undid it lately, oldest first. */
  readonly undone: readonly number[];
}

/** Most entries of `flips` and of `undone`. */
export const FLIPS_KEPT = 20;

/** Nobody but people switches this node: `corral fence leave`. Key: node. */
export interface FenceOrderRecord {
  readonly v: 1;
  readonly order: 'leave';
  readonly who: string;
  readonly why?: string;
  readonly atMs: number;
}
