import type { NodeSelector } from '../../core/topology-record.ts';
import type { PoolSeen } from '../../core/snapshot-seen.ts';

export interface PoolShape {
  readonly name: string;
  /** Absent while no network has the pool. */
  readonly network?: string;
  readonly cidr: string;
  readonly vlan?: number;
  readonly gateway?: string;
  readonly nodes: NodeSelector;
  readonly addresses: {
    /** All that can ever be handed out: the sum of the other figures, `spare` left out. */
    readonly size: number;
    readonly held: number;
    /** Promised to admitted apps and not taken yet. */
    readonly promised: number;
    /** Released a short while ago. */
    readonly cooling: number;
    readonly quarantined: number;
    /** Kept in stock by nodes: part of what is free or promised. */
    readonly spare: number;
    /** May be negative when promises outgrow the pool. */
    readonly free: number;
  };
}

export const poolShape = ({ name, network, record, ...counts }: PoolSeen): PoolShape => ({
  name,
  ...(network !== undefined && { network }),
  cidr: record.cidr,
  ...(record.vlan !== undefined && { vlan: record.vlan }),
  ...(record.gateway !== undefined && { gateway: record.gateway }),
  nodes: record.nodes,
  addresses: {
    size: counts.size,
    held: counts.held,
    promised: counts.promised,
    cooling: counts.cooling,
    quarantined: counts.quarantined,
    spare: counts.spare,
    free: counts.free,
  },
});
