import type { CapacityFacts, CapacityOptions, Promises } from './capacity-facts.ts';
import { added, grouped } from './capacity-figures.ts';
import {
  type CapacityRow,
  type Figure,
  type Figures,
  type MacLevel,
  NOBODY,
} from './capacity-record.ts';

export interface PoolLine {
  readonly name: string;
  readonly vlan: number | undefined;
  readonly reachedBy: ReadonlySet<string>;
  readonly figures: Figures;
}

export function poolsOf(
  { picture, leases, fenced }: CapacityFacts,
  { drawn }: Promises,
): PoolLine[] {
  const reachedBy = new Map<string, Set<string>>();
  for (const { name, reach } of picture.nodes())
    for (const pool of reach) reachedBy.set(pool, (reachedBy.get(pool) ?? new Set()).add(name));
  return picture.pools().map((pool): PoolLine => {
    const nodes = reachedBy.get(pool.name) ?? new Set<string>();
    const { size, held, cooling, quarantined, spare, promised, free } = pool;
    return {
      ...{ name: pool.name, vlan: pool.record.vlan, reachedBy: nodes },
      figures: {
        ...{ size, leased: held, promised, spare, cooling, quarantined, free },
        ...ratesOf(leases.pools.get(pool.name), drawn.get(pool.name)),
        ...placesIn(nodes, fenced),
        fencedFree: isCutOff(nodes, fenced) ? Math.max(0, free) : 0,
        macs: leases.macsOf([pool.name]),
      },
    };
  });
}

type Rates = { readonly inKbit: number; readonly outKbit: number } | undefined;

const ratesOf = (leased: Rates, promised: Rates): Figures => ({
  ...{ leasedInKbit: leased?.inKbit ?? 0, promisedInKbit: promised?.inKbit ?? 0 },
  ...{ leasedOutKbit: leased?.outKbit ?? 0, promisedOutKbit: promised?.outKbit ?? 0 },
});

/** Whoever could hand its addresses out is fenced. */
const isCutOff = (nodes: ReadonlySet<string>, fenced: ReadonlySet<string>): boolean =>
  nodes.size > 0 && [...nodes].every((node) => fenced.has(node));

const placesIn = (nodes: ReadonlySet<string>, fenced: ReadonlySet<string>): Figures => ({
  nodes: nodes.size,
  fenced: [...nodes].filter((node) => fenced.has(node)).length,
});

const SHARED: ReadonlySet<Figure> = new Set(['nodes', 'fenced', 'macs', 'reachable']);

export function vlanRows(
  { leases, fenced }: CapacityFacts,
  { macLimitOf, macWarnPercent }: CapacityOptions,
  pools: readonly PoolLine[],
): readonly CapacityRow[] {
  const named = grouped(pools, ({ vlan }) => (vlan === undefined ? NOBODY : String(vlan)));
  return named.map(([name, members]): CapacityRow => {
    const macs = leases.macsOf(members.map((pool) => pool.name));
    const macLimit = macLimitOf(members[0]?.vlan);
    const nodes = new Set(members.flatMap(({ reachedBy }) => [...reachedBy]));
    const figures = {
      ...added(
        members.map((pool) => pool.figures),
        SHARED,
      ),
      ...placesIn(nodes, fenced),
      macs,
    };
    if (macLimit === undefined) return { kind: 'vlan', name, figures };
    const level = levelOf(macs, macLimit, macWarnPercent);
    return { kind: 'vlan', name, figures: { ...figures, macLimit }, level };
  });
}

const levelOf = (macs: number, limit: number, warnPercent: number): MacLevel =>
  macs > limit ? 'over' : macs * 100 >= limit * warnPercent ? 'warn' : 'good';
