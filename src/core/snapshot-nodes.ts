import { bandwidthOf, type Demand } from './demand.ts';
import type { NodeFacts } from './facts.ts';
import type { NodeRecord } from './topology-record.ts';
import type { TallyRecord } from './lease-record.ts';
import type { NodeRoom } from './room.ts';

/** Instances promised to a node and not there yet. */
export interface Promised {
  readonly count: number;
  readonly demand: Demand;
}

/** Bandwidth that leases held on a node will need on top of today's once they are replaced, kbit/s. */
export interface Growth {
  readonly inKbit: number;
  readonly outKbit: number;
}

/** All that decides what a node has left. */
export interface NodeParts {
  readonly facts: NodeFacts | undefined;
  readonly record: NodeRecord | undefined;
  readonly tally: TallyRecord | undefined;
  readonly promised: readonly Promised[];
  readonly growth: Growth;
  readonly pools: readonly string[];
}

type Ranges = NodeFacts['ports'];

/** Mesos keeps scalars to three decimals: whole thousandths add up without drift, in any order. */
const thousandths = (amount: number): number => Math.round(amount * 1000);

const UNKNOWN: NodeFacts = {
  attributes: {},
  offered: false,
  cpus: 0,
  memMiB: 0,
  diskMiB: 0,
  gpus: 0,
  ports: [],
};

/** Sum of limits that a node's link may carry each way, kbit/s: link × headroom × overcommit. */
export const capacityOf = (
  node: Pick<NodeRecord, 'linkInKbit' | 'linkOutKbit' | 'headroom' | 'overcommit'>,
): { inKbit: number; outKbit: number } => {
  // the thousandth keeps 0.29 × 100 at 29 in binary arithmetic
  const share = (link: number) => Math.floor(link * node.headroom * node.overcommit + 0.001);
  return { inKbit: share(node.linkInKbit), outKbit: share(node.linkOutKbit) };
};

/** What a node has left, every promise taken off; compute figures stop at 0, bandwidth does not. */
export function nodeRoom(name: string, parts: NodeParts): NodeRoom {
  const facts = parts.facts ?? UNKNOWN;
  const left = (free: number, each: (demand: Demand) => number): number => {
    const taken = parts.promised.reduce((sum, p) => sum + p.count * thousandths(each(p.demand)), 0);
    return Math.max(0, thousandths(free) - taken) / 1000;
  };
  return {
    name,
    attributes: facts.attributes,
    ...(facts.region === undefined ? {} : { region: facts.region }),
    ...(facts.zone === undefined ? {} : { zone: facts.zone }),
    offered: facts.offered,
    ...(facts.isFenced && { isFenced: true }),
    cpus: left(facts.cpus, ({ cpus }) => cpus),
    memMiB: left(facts.memMiB, ({ memMiB }) => memMiB),
    diskMiB: left(facts.diskMiB, ({ diskMiB }) => diskMiB),
    gpus: left(facts.gpus, ({ gpus }) => gpus),
    ports: portsLeft(facts.ports, parts.promised),
    ...linkLeft(parts),
    pools: parts.pools,
  };
}

/** Without a record there is no link to share out: only what needs no address fits there. */
function linkLeft(parts: NodeParts): { netInKbit: number; netOutKbit: number } {
  if (parts.record === undefined) return { netInKbit: 0, netOutKbit: 0 };
  const capacity = capacityOf(parts.record);
  let netInKbit = capacity.inKbit - (parts.tally?.netInKbit ?? 0) - parts.growth.inKbit;
  let netOutKbit = capacity.outKbit - (parts.tally?.netOutKbit ?? 0) - parts.growth.outKbit;
  for (const { count, demand } of parts.promised) {
    const each = bandwidthOf(demand);
    netInKbit -= count * each.inKbit;
    netOutKbit -= count * each.outKbit;
  }
  return { netInKbit, netOutKbit };
}

/** Fixed ports are gone; of the others Mesos chooses, so the highest stand in for them. */
function portsLeft(ports: Ranges, promised: readonly Promised[]): Ranges {
  const fixed = promised.flatMap(({ demand }) => demand.ports.fixed);
  const any = promised.reduce((sum, { count, demand }) => sum + count * demand.ports.any, 0);
  if (fixed.length === 0 && any === 0) return ports;
  return withoutHighest(fixed.reduce(withoutPort, ports), any);
}

const withoutPort = (ports: Ranges, port: number): Ranges =>
  ports.flatMap(([from, to]): Ranges => {
    if (port < from || port > to) return [[from, to]];
    const parts: Ranges = [
      [from, port - 1],
      [port + 1, to],
    ];
    return parts.filter(([low, high]) => low <= high);
  });

function withoutHighest(ports: Ranges, count: number): Ranges {
  let left = count;
  const kept: (readonly [number, number])[] = [];
  for (const [from, to] of [...ports].reverse()) {
    const taken = Math.min(left, to - from + 1);
    left -= taken;
    if (to - taken >= from) kept.push([from, to - taken]);
  }
  return kept.reverse();
}
