import type { FenceOrderRecord, FenceRecord } from '../../core/fence-record.ts';
import type { Foreign } from '../../core/fence-action.ts';
import type { NodeRoom } from '../../core/room.ts';
import { timeText } from './promises.ts';

/** All that is known of the fence. */
export interface FenceSeen {
  readonly mode: 'off' | 'watch' | 'on';
  /** Absent in a process that has not led since it began. */
  readonly force?: { readonly isAble: boolean; readonly version: string; readonly why: string };
  readonly records: ReadonlyMap<string, FenceRecord>;
  readonly orders: ReadonlyMap<string, FenceOrderRecord>;
  readonly foreign: readonly Foreign[];
  /** As Mesos and the ledger show it now. */
  readonly room: (node: string) => NodeRoom | undefined;
}

/** Times are ISO 8601. */
export interface FenceShape {
  readonly mode: FenceSeen['mode'];
  /** Which fence is in force and why; only the gate that leads can say. */
  readonly force?: FenceSeen['force'];
  readonly nodes: readonly FencedShape[];
  /** Nodes that nobody but people switches. */
  readonly left: readonly {
    readonly node: string;
    readonly who: string;
    readonly since: string;
    readonly why?: string;
  }[];
  /** Nodes without room in other hands, as the gate that leads sees it. */
  readonly foreign: readonly Foreign[];
  /** Sums over the closed nodes. */
  readonly stranded: { readonly cpus: number; readonly memMiB: number; readonly addresses: number };
}

export interface FencedShape {
  readonly node: string;
  /** `noted`: it would be closed. */
  readonly state: FenceRecord['state'] | 'noted';
  readonly agent: string;
  readonly since: string;
  readonly why: string;
  /** What it had left when it was judged. */
  readonly figures: FenceRecord['figures'];
  /** What it could run now and is not offered for; absent while Mesos does not know it. */
  readonly free?: { readonly cpus: number; readonly memMiB: number };
  /** Times that somebody else undid it lately. */
  readonly undone?: number;
}

export function fenceShape({ mode, force, records, orders, foreign, room }: FenceSeen): FenceShape {
  const nodes = [...records].sort(byName).map(([node, record]) => fencedShape(node, record, room));
  const closed = nodes.filter(({ state }) => state !== 'noted' && state !== 'yielded');
  const sum = (of: (one: FencedShape) => number | undefined): number =>
    closed.reduce((total, one) => total + (of(one) ?? 0), 0);
  return {
    mode,
    ...(force && { force }),
    nodes,
    left: [...orders].sort(byName).map(([node, { who, atMs, why }]) => ({
      ...{ node, who, since: timeText(atMs) },
      ...(why !== undefined && { why }),
    })),
    foreign,
    stranded: {
      cpus: sum(({ free }) => free?.cpus),
      memMiB: sum(({ free }) => free?.memMiB),
      addresses: sum(({ figures }) => figures.addresses),
    },
  };
}

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number =>
  one < other ? -1 : 1;

function fencedShape(node: string, record: FenceRecord, room: FenceSeen['room']): FencedShape {
  const now = room(node);
  return {
    node,
    state: record.mode === 'watch' ? 'noted' : record.state,
    agent: record.agentId,
    since: timeText(record.sinceMs),
    why: record.why,
    figures: record.figures,
    ...(now && { free: { cpus: now.cpus, memMiB: now.memMiB } }),
    ...(record.undone.length > 0 && { undone: record.undone.length }),
  };
}
