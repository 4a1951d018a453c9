import { LEAST_LIMIT_KBIT, type Rates } from './limit-edit.ts';
import type { CountedLimit } from './lease-record.ts';
import type { Way } from './limit-errors.ts';
import { capacityOf } from './snapshot-nodes.ts';
import type { NodeRecord } from './topology-record.ts';

/** A direction in which a node's link has nothing left that a container could be given, kbit/s. */
export interface FullWay {
  readonly way: Way;
  readonly sumKbit: number;
  readonly linkKbit: number;
  /** Link × headroom × overcommit. */
  readonly capacityKbit: number;
}

type Link = Pick<NodeRecord, 'linkInKbit' | 'linkOutKbit' | 'headroom' | 'overcommit'>;

/**
 * Whether the limits of what runs on a node leave no container anything. Limits that somebody forced past the
 * link do not count for that: who insisted wants the node to go on.
 *
 * @param limits  of containers of which it is known what they ask for; a guess must not keep anybody out
 */
export function fullWay(limits: readonly CountedLimit[], link: Link): FullWay | undefined {
  if (limits.some(({ forced }) => forced)) return undefined;
  const { inKbit, outKbit } = capacityOf(link);
  const sum = (way: keyof Rates): number => limits.reduce((all, one) => all + one[way], 0);
  const ways: readonly FullWay[] = [
    { way: 'net_in', sumKbit: sum('netInKbit'), linkKbit: link.linkInKbit, capacityKbit: inKbit },
    {
      ...{ way: 'net_out', sumKbit: sum('netOutKbit') },
      ...{ linkKbit: link.linkOutKbit, capacityKbit: outKbit },
    },
  ];
  return ways.find(({ sumKbit, capacityKbit }) => sumKbit + LEAST_LIMIT_KBIT > capacityKbit);
}
