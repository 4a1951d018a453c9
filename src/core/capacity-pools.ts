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
    const leased = leases.pools.get(pool.name);
    const owed = drawn.get(pool.name);
    return {
      ...{ name: pool.name, vlan: pool.record.vlan, reachedBy: nodes },
      figures: {
        ...{ size, leased: held, promised, spare, cooling, quarantined, free },
        ...{ leasedInKbit: leased?.inKbit ?? 0, promisedInKbit: owed?.inKbit ?? 0 },
        ...{ leasedOutKbit: leased?.outKbit ?? 0, promisedOutKbit: owed?.outKbit ?? 0 },
        ...placesIn(nodes, fenced),
        macs: leases.macsOf([pool.name]),
      },
    };
  });
}

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
