import type { CountedLimit, LeaseRecord, TallyRecord } from '../core/lease-record.ts';
import type { LimitRecord } from '../core/limit-record.ts';

export const EMPTY_TALLY: TallyRecord = { v: 1, netInKbit: 0, netOutKbit: 0, pools: {}, apps: {} };

type Counts = Readonly<Record<string, number>>;

/** Names such as `constructor` are ordinary: only own keys count. */
const countOf = (counts: Counts, name: string): number =>
  Object.hasOwn(counts, name) ? (counts[name] ?? 0) : 0;

function moved(counts: Counts, name: string, by: 1 | -1): Counts {
  const count = Math.max(0, countOf(counts, name) + by);
  if (count > 0) return { ...counts, [name]: count };
  return Object.fromEntries(Object.entries(counts).filter(([other]) => other !== name));
}

function movedApp(apps: TallyRecord['apps'], lease: LeaseRecord, by: 1 | -1): TallyRecord['apps'] {
  const { app, network } = lease;
  if (app === undefined) return apps;
  const networks = moved(Object.hasOwn(apps, app) ? (apps[app] ?? {}) : {}, network, by);
  if (Object.keys(networks).length > 0) return { ...apps, [app]: networks };
  return Object.fromEntries(Object.entries(apps).filter(([other]) => other !== app));
}

/** A limit as a lease counts it. */
export const asCounted = (limit: CountedLimit): CountedLimit => ({
  netInKbit: limit.netInKbit,
  netOutKbit: limit.netOutKbit,
  classMinor: limit.classMinor,
  ...(limit.forced && { forced: true }),
});

/**
 * The sums with one lease and its limit more (`by` 1) or less (-1). What counts is the limit in force,
 * which the lease says; the limit's own key only where the lease does not, for anyone may have written
 * that since.
 */
export function tallied(
  tally: TallyRecord,
  { lease, limit }: { lease: LeaseRecord; limit: LimitRecord | undefined },
  by: 1 | -1,
): TallyRecord {
  const counted = lease.counted ?? limit;
  const forced = Math.max(0, (tally.forced ?? 0) + (counted?.forced ? by : 0));
  return {
    v: 1,
    netInKbit: Math.max(0, tally.netInKbit + by * (counted?.netInKbit ?? 0)),
    netOutKbit: Math.max(0, tally.netOutKbit + by * (counted?.netOutKbit ?? 0)),
    pools: moved(tally.pools, lease.pool, by),
    apps: movedApp(tally.apps, lease, by),
    ...(forced > 0 && { forced }),
    ...reserved(tally),
  };
}

const reserved = ({ reserve }: TallyRecord): Pick<TallyRecord, 'reserve'> =>
  reserve ? { reserve } : {};
