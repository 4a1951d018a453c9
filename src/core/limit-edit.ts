import type { Overrun, Way } from './limit-errors.ts';
import { BadLimit, LimitPastLink } from './limit-errors.ts';
import type { CountedLimit, LeaseRecord } from './lease-record.ts';
import type { NetworkRecord, NodeRecord } from './topology-record.ts';
import { capacityOf } from './snapshot-nodes.ts';

/**
 * What tc can carry, kbit/s. Below 8 kbit/s a burst of 64 KiB and a jumbo frame lasts longer than the 275 s
 * that fit tc's 32-bit ticks of 64 ns, and wraps (measured with iproute2 6.1); above 4 Tbit/s the node's
 * shaper sets no class, for what tc shows of one would not be what was asked.
 */
export const LEAST_LIMIT_KBIT = 8;
export const MOST_LIMIT_KBIT = 4_000_000_000;

/** What someone wants of a limit, kbit/s; what is left out stays as it is. */
export interface LimitWish {
  readonly netInKbit?: number;
  readonly netOutKbit?: number;
  /** Even past what the link takes; the limit is marked then. */
  readonly force?: boolean;
}

/** Limits each way, kbit/s. */
export interface Rates {
  readonly netInKbit: number;
  readonly netOutKbit: number;
}

/** How a limit stands, and all that decides whether it may grow. */
export interface LimitStanding {
  readonly node: string;
  readonly address: string;
  readonly link: NodeRecord;
  /** Sums that include the limit as `counted`. */
  readonly tally: Rates;
  readonly counted: CountedLimit;
  /** Promised to admitted apps on the node and not held yet, kbit/s. */
  readonly promised: { readonly inKbit: number; readonly outKbit: number };
}

/**
 * The limit as it will be in force. A limit may always sink, whatever the sums; one that grows must leave
 * the node's limits and promises within link × headroom × overcommit, or be forced.
 *
 * @throws BadLimit, LimitPastLink
 */
export function judgeLimit(standing: LimitStanding, wish: LimitWish): CountedLimit {
  const { counted } = standing;
  const netInKbit = wanted('net_in', wish.netInKbit, counted.netInKbit);
  const netOutKbit = wanted('net_out', wish.netOutKbit, counted.netOutKbit);
  const { classMinor } = counted;
  const past = overruns(standing, { netInKbit, netOutKbit });
  const raised = past.filter(({ fromKbit, toKbit }) => toKbit > fromKbit);
  if (raised.length > 0 && wish.force !== true)
    throw new LimitPastLink({ ...standing.link, ...placeOf(standing) }, raised);
  const forced = raised.length > 0 || (counted.forced === true && past.length > 0);
  return { netInKbit, netOutKbit, classMinor, ...(forced && { forced }) };
}

/**
 * A former limit in force again, whatever the sums and bounds say, because it is what the kernel does: past
 * the link it is marked.
 */
export function restoredLimit(standing: LimitStanding, former: Rates): CountedLimit {
  const { netInKbit, netOutKbit } = former;
  const { classMinor } = standing.counted;
  const past = overruns(standing, former).length > 0;
  return { netInKbit, netOutKbit, classMinor, ...(past && { forced: true }) };
}

const placeOf = ({ node, address }: LimitStanding) => ({ node, address });

function wanted(way: Way, wish: number | undefined, now: number): number {
  if (wish === undefined || wish === now) return now;
  if (!Number.isSafeInteger(wish) || wish < LEAST_LIMIT_KBIT || wish > MOST_LIMIT_KBIT)
    throw new BadLimit(way, wish, { leastKbit: LEAST_LIMIT_KBIT, mostKbit: MOST_LIMIT_KBIT });
  return wish;
}

/** Directions in which the node's sums would pass its link, whether this limit grows there or not. */
function overruns(
  { link, tally, counted, promised }: LimitStanding,
  next: Rates,
): readonly Overrun[] {
  const capacity = capacityOf(link);
  const ways: readonly Overrun[] = [
    {
      way: 'net_in',
      fromKbit: counted.netInKbit,
      toKbit: next.netInKbit,
      sumKbit: tally.netInKbit - counted.netInKbit + next.netInKbit,
      promisedKbit: promised.inKbit,
      linkKbit: link.linkInKbit,
      capacityKbit: capacity.inKbit,
    },
    {
      way: 'net_out',
      fromKbit: counted.netOutKbit,
      toKbit: next.netOutKbit,
      sumKbit: tally.netOutKbit - counted.netOutKbit + next.netOutKbit,
      promisedKbit: promised.outKbit,
      linkKbit: link.linkOutKbit,
      capacityKbit: capacity.outKbit,
    },
  ];
  return ways.filter(
    ({ sumKbit, promisedKbit, capacityKbit }) => sumKbit + promisedKbit > capacityKbit,
  );
}

/** The wish to go back to what the container's app asked for, or else the network's default. */
export const resetWish = (
  { asked }: Pick<LeaseRecord, 'asked'>,
  network: Pick<NetworkRecord, 'defaultInKbit' | 'defaultOutKbit'>,
): LimitWish => ({
  netInKbit: asked?.netInKbit ?? network.defaultInKbit,
  netOutKbit: asked?.netOutKbit ?? network.defaultOutKbit,
});

/** The same limit, the mark included. */
export const sameLimit = (one: CountedLimit, other: CountedLimit): boolean =>
  one.netInKbit === other.netInKbit &&
  one.netOutKbit === other.netOutKbit &&
  one.classMinor === other.classMinor &&
  (one.forced ?? false) === (other.forced ?? false);
