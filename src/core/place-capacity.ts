import { bandwidthOf, type Demand, type PortDemand } from './demand.ts';
import type { NodeRoom, Resource } from './room.ts';

/** A resource that a demand takes some of, in thousandths so that 0.1 × 3 fits into 0.3. */
export interface Need {
  readonly resource: Resource;
  /** Per instance, thousandths, above zero. */
  readonly each: number;
  /** What a node has, in the resource's own unit. */
  readonly free: (node: NodeRoom) => number;
}

/** Mesos keeps scalars to three decimals (src/common/resources_utils.cpp, convertToFixed). */
export const thousandths = (amount: number): number => Math.round(amount * 1000);

type Measure = readonly [Resource, (demand: Demand) => number, (node: NodeRoom) => number];

/** In the order in which Marathon looks (reference: launch queue, reject reasons). */
const MEASURES: readonly Measure[] = [
  ['cpus', ({ cpus }) => cpus, ({ cpus }) => cpus],
  ['mem', ({ memMiB }) => memMiB, ({ memMiB }) => memMiB],
  ['disk', ({ diskMiB }) => diskMiB, ({ diskMiB }) => diskMiB],
  ['gpus', ({ gpus }) => gpus, ({ gpus }) => gpus],
  ['net_in', (demand) => bandwidthOf(demand).inKbit, ({ netInKbit }) => netInKbit],
  ['net_out', (demand) => bandwidthOf(demand).outKbit, ({ netOutKbit }) => netOutKbit],
];

/** What one instance takes of a node, nothing that it does not need. */
export const needsOf = (demand: Demand): readonly Need[] =>
  MEASURES.flatMap(([resource, amount, free]) => {
    const each = thousandths(amount(demand));
    return each > 0 ? [{ resource, each, free }] : [];
  });

/** Instances that a node holds as far as one resource goes. */
export const fitsBy = ({ each, free }: Need, node: NodeRoom): number =>
  Math.max(0, Math.floor(thousandths(free(node)) / each));

/**
 * Instances that a node holds as far as host ports go: one at most when any is fixed.
 * Infinity when none are asked for.
 */
export function fitsByPorts({ any, fixed }: PortDemand, node: NodeRoom): number {
  if (any === 0 && fixed.length === 0) return Infinity;
  const free = freePorts(node) - fixed.length;
  if (fixed.length === 0) return Math.floor(free / any);
  return free >= any && fixed.every((port) => isFree(node, port)) ? 1 : 0;
}

export const freePorts = ({ ports }: NodeRoom): number =>
  ports.reduce((sum, [from, to]) => sum + to - from + 1, 0);

export const isFree = ({ ports }: NodeRoom, port: number): boolean =>
  ports.some(([from, to]) => from <= port && port <= to);

/** Instances that one node holds by everything but addresses and constraints, at most `limit`. */
export function capacityOf(needs: readonly Need[], ports: PortDemand, limit: number) {
  return (node: NodeRoom): number => {
    let fits = Math.min(limit, fitsByPorts(ports, node));
    for (const need of needs) {
      if (fits <= 0) return 0;
      fits = Math.min(fits, fitsBy(need, node));
    }
    return fits;
  };
}
