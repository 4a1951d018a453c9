/** What operators declare: networks, pools and nodes, as the ledger keeps them. */

/** How a network's containers are attached to the wire. */
export type Attachment = 'bridge' | 'routed';

/** The name that apps use; stands for its pools. A pool belongs to at most one network. */
export interface NetworkRecord {
  readonly v: 1;
  readonly pools: readonly string[];
  /** How a node that reaches several pools fills them: one after another (default), or evenly. */
  readonly fill?: 'order' | 'spread';
  readonly attachment: Attachment;
  /** Limit of an address whose app asks for none, kbit/s. */
  readonly defaultInKbit: number;
  readonly defaultOutKbit: number;
}

/** Inclusive on both ends. */
export interface AddressRange {
  readonly from: string;
  readonly to: string;
}

/**
 * Which nodes reach a pool. An empty selector means every node; otherwise a node is chosen when its
 * name is listed, or when it has every listed attribute with that text value.
 */
export interface NodeSelector {
  readonly names?: readonly string[];
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A range of addresses on one VLAN. */
export interface PoolRecord {
  readonly v: 1;
  /** Network address and prefix, no host bits: 192.0.2.0/24 or 2001:db8::/64. */
  readonly cidr: string;
  /** What is handed out, sorted, disjoint, inside `cidr`; never holds the gateway. */
  readonly ranges: readonly AddressRange[];
  /** Addresses inside the ranges that are never handed out. */
  readonly exclude: readonly string[];
  readonly gateway?: string;
  readonly vlan?: number;
  readonly nodes: NodeSelector;
}

/** A machine that runs a Mesos agent. The key is its node name, the agent's hostname. */
export interface NodeRecord {
  readonly v: 1;
  /** Capacity of the uplink each way, kbit/s, as the operator states it. */
  readonly linkInKbit: number;
  readonly linkOutKbit: number;
  /** Sum of limits may reach link × headroom × overcommit. 1 means none. */
  readonly overcommit: number;
  /** Share of the link given to containers, 0 < headroom ≤ 1. */
  readonly headroom: number;
  /** Attributes beyond those Mesos reports, for pool selectors. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly agentId?: string;
  readonly bootId?: string;
}
