import type { NodeRoom } from '../../core/room.ts';
import type { NodeSeen } from '../../core/snapshot-seen.ts';

export interface NodeShape {
  readonly name: string;
  /** Who knows the node. */
  readonly knownTo: { readonly mesos: boolean; readonly ledger: boolean };
  /** False while Mesos offers nothing of it. */
  readonly offered: boolean;
  readonly pools: readonly string[];
  /** What is left once every promise is kept; bandwidth may be negative. */
  readonly free: FreeShape;
  /** What its containers hold now. */
  readonly held: {
    readonly addresses: number;
    readonly netInKbit: number;
    readonly netOutKbit: number;
    /** Limits that were forced past the link; absent when there are none. */
    readonly forcedLimits?: number;
  };
}

export interface FreeShape {
  readonly cpus: number;
  readonly memMiB: number;
  readonly diskMiB: number;
  readonly gpus: number;
  readonly ports: number;
  readonly netInKbit: number;
  readonly netOutKbit: number;
}

/** A node by itself. */
export interface NodeDetailShape extends NodeShape {
  readonly attributes: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly zone?: string;
  /** As the operator states it; absent while the ledger does not know the node. */
  readonly link?: {
    readonly inKbit: number;
    readonly outKbit: number;
    readonly headroom: number;
    readonly overcommit: number;
  };
  /** Leases held here, by app, then by network. */
  readonly apps: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const sum = (counts: Readonly<Record<string, number>> = {}): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const freeOf = ({
  cpus,
  memMiB,
  diskMiB,
  gpus,
  ports,
  netInKbit,
  netOutKbit,
}: NodeRoom): FreeShape => ({
  cpus,
  memMiB,
  diskMiB,
  gpus,
  ports: ports.reduce((total, [from, to]) => total + to - from + 1, 0),
  netInKbit,
  netOutKbit,
});

export const nodeShape = ({ name, record, facts, tally, room }: NodeSeen): NodeShape => ({
  name,
  knownTo: { mesos: facts !== undefined, ledger: record !== undefined },
  offered: room.offered,
  pools: room.pools,
  free: freeOf(room),
  held: {
    addresses: sum(tally?.pools),
    netInKbit: tally?.netInKbit ?? 0,
    netOutKbit: tally?.netOutKbit ?? 0,
    ...(tally?.forced !== undefined && { forcedLimits: tally.forced }),
  },
});

export const nodeDetailShape = (node: NodeSeen): NodeDetailShape => ({
  ...nodeShape(node),
  attributes: node.room.attributes,
  ...(node.room.region !== undefined && { region: node.room.region }),
  ...(node.room.zone !== undefined && { zone: node.room.zone }),
  ...(node.record && {
    link: {
      inKbit: node.record.linkInKbit,
      outKbit: node.record.linkOutKbit,
      headroom: node.record.headroom,
      overcommit: node.record.overcommit,
    },
  }),
  apps: node.tally?.apps ?? {},
});
