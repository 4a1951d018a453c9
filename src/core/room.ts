import type { Constraint } from './constraints.ts';
import type { Demand } from './demand.ts';
import type { NodeFacts } from './facts.ts';

/** What one node has left, every promise already taken off; not offered is also one that Mesos does not know. */
export interface NodeRoom extends NodeFacts {
  readonly name: string;
  /** Link × headroom × overcommit minus the sum of limits, kbit/s; may be negative. */
  readonly netInKbit: number;
  readonly netOutKbit: number;
  /** Pools that the node reaches, sorted. */
  readonly pools: readonly string[];
}

export interface PoolRoom {
  readonly network: string;
  /** Addresses that can be handed out now; may be negative. */
  readonly free: number;
}

/** Everything a verdict looks at. */
export interface Room {
  readonly nodes: ReadonlyMap<string, NodeRoom>;
  readonly pools: ReadonlyMap<string, PoolRoom>;
  /** The Mesos master's own region; apps without a @region or @zone constraint stay in it. */
  readonly homeRegion?: string;
}

/** `instances` more of one run spec, identical to each other. */
export interface Ask {
  /** Canonical id, for messages. */
  readonly app: string;
  readonly instances: number;
  readonly demand: Demand;
  readonly constraints: readonly Constraint[];
  /** Instances that the constraints count (same config version): one entry each. */
  readonly placed: readonly PlacedInstance[];
  /**
   * Instances of the whole app once done, for GROUP_BY; not `instances + placed` during an upgrade.
   */
  readonly total: number;
}

/** Where an instance already runs; attributes as recorded at its launch. */
export interface PlacedInstance {
  readonly node: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly zone?: string;
  /** Instances that the definition it was launched with asks for, where known; GROUP_BY looks at it. */
  readonly total?: number;
}

/** One possible placement: a proof that an ask fits. Counts are positive. */
export interface Witness {
  readonly nodes: ReadonlyMap<string, number>;
  readonly pools: ReadonlyMap<string, number>;
}

export type Resource =
  | 'cpus'
  | 'mem'
  | 'disk'
  | 'gpus'
  | 'ports'
  | 'address'
  | 'net_in'
  | 'net_out'
  | 'constraint'
  | 'offer';
