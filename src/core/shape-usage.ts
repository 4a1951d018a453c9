import { type Counters, minorAbove, type Qdisc } from './shape-qdiscs.ts';
import { ifbOf, type Limit, type Shape, SHARED_IN, SHARED_OUT } from './shape.ts';

/** Counters of one direction, and the queue they are of: a new queue counts from zero. */
export interface Sample extends Counters {
  readonly queue: string;
}

export interface Direction {
  /** Since the agent has been looking. */
  readonly bytes: number;
  readonly packets: number;
  readonly drops: number;
  readonly backlogBytes: number;
  /** Over the time between the last two samples. */
  readonly rateKbit: number;
  readonly limitKbit: number;
  /** rate / limit */
  readonly share: number;
}

export interface Usage {
  readonly address: string;
  readonly netIn: Direction;
  readonly netOut: Direction;
}

interface Samples {
  readonly limit: Limit;
  readonly netIn: Sample;
  readonly netOut: Sample;
}

/** A limit whose queues are not there is left out. */
export function samplesOf(
  limits: readonly Limit[],
  shape: Shape,
  qdiscs: readonly Qdisc[],
): readonly Samples[] {
  const leaves = new Map<string, Sample>();
  for (const qdisc of qdiscs) {
    const minor = minorAbove(qdisc);
    if (minor !== undefined)
      leaves.set(`${qdisc.dev} ${minor}`, { ...qdisc.counters, queue: queueOf(qdisc) });
  }
  const shared = shape.has(SHARED_IN);
  return limits.flatMap((limit) => {
    const { hostInterface, classMinor } = limit;
    const netIn = leaves.get(`${shared ? SHARED_IN : hostInterface} ${classMinor}`);
    const netOut = leaves.get(`${shared ? SHARED_OUT : ifbOf(classMinor)} ${classMinor}`);
    return netIn && netOut ? [{ limit, netIn, netOut }] : [];
  });
}

const queueOf = ({ dev, kind, handle }: Qdisc): string => `${dev} ${kind} ${handle}`;

interface Kept {
  readonly samples: Samples;
  readonly usage: Usage;
}

/** Usage of every address, and when it was taken. */
export interface Used {
  readonly atMs: number;
  readonly kept: ReadonlyMap<string, Kept>;
}

/** What was used up to now: counters only grow, whatever becomes of the kernel's queues. */
export function usageAfter(
  former: Used | undefined,
  samples: readonly Samples[],
  atMs: number,
): Used {
  const elapsedMs = former ? Math.max(1, atMs - former.atMs) : undefined;
  const kept = samples.map((now): [string, Kept] => {
    const { address, netInKbit, netOutKbit } = now.limit;
    const before = former?.kept.get(address);
    const netIn = advance(before && [before.samples.netIn, before.usage.netIn], now.netIn, {
      elapsedMs,
      limitKbit: netInKbit,
    });
    const netOut = advance(before && [before.samples.netOut, before.usage.netOut], now.netOut, {
      elapsedMs,
      limitKbit: netOutKbit,
    });
    return [address, { samples: now, usage: { address, netIn, netOut } }];
  });
  return { atMs, kept: new Map(kept) };
}

const NO_TOTAL = { bytes: 0, packets: 0, drops: 0 };
const NO_SAMPLE: Sample = { ...NO_TOTAL, backlogBytes: 0, queue: '' };

function advance(
  former: readonly [Sample, Direction] | undefined,
  now: Sample,
  { elapsedMs, limitKbit }: { elapsedMs: number | undefined; limitKbit: number },
): Direction {
  const [before, total] = former ?? [NO_SAMPLE, NO_TOTAL];
  const anew = before.queue !== now.queue || now.bytes < before.bytes;
  const grown = (key: 'bytes' | 'packets' | 'drops'): number =>
    anew ? now[key] : Math.max(0, now[key] - before[key]);
  const bytes = grown('bytes');
  const rateKbit = former && elapsedMs !== undefined ? Math.round((bytes * 8) / elapsedMs) : 0;
  return {
    bytes: total.bytes + bytes,
    packets: total.packets + grown('packets'),
    drops: total.drops + grown('drops'),
    backlogBytes: now.backlogBytes,
    rateKbit,
    limitKbit,
    share: rateKbit / limitKbit,
  };
}
