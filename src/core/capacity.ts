import { type CapacityFacts, type CapacityOptions, promisesOf } from './capacity-facts.ts';
import { added, sumOf } from './capacity-figures.ts';
import { groupRows, missing } from './capacity-groups.ts';
import { type NodeLine, nodesOf, rackRows, REACHABLE } from './capacity-nodes.ts';
import { type PoolLine, poolsOf, vlanRows } from './capacity-pools.ts';
import type { CapacityRow, Figures } from './capacity-record.ts';

/** Rows of every kind, each kind in order of name, the total first. */
export function capacityRows(
  facts: CapacityFacts,
  options: CapacityOptions,
): readonly CapacityRow[] {
  const promised = promisesOf(facts.picture);
  const nodes = nodesOf(facts, options, promised);
  const pools = poolsOf(facts, promised);
  const groups = groupRows(facts);
  return [
    totalRow(facts, { nodes, pools }),
    ...pools.map(({ name, figures }): CapacityRow => ({ kind: 'pool', name, figures })),
    ...vlanRows(facts, options, pools),
    ...rackRows(facts, nodes),
    ...nodes.map(({ name, figures }): CapacityRow => ({ kind: 'node', name, figures })),
    ...groups,
  ];
}

function totalRow(
  { picture, leases, period, held }: CapacityFacts,
  { nodes, pools }: { readonly nodes: readonly NodeLine[]; readonly pools: readonly PoolLine[] },
): CapacityRow {
  const ofNodes = added(
    nodes.map((node) => node.figures),
    REACHABLE,
  );
  const { size, leased, promised, spare, cooling, quarantined, free, fencedFree } = {
    ...{ size: 0, leased: 0, promised: 0, spare: 0, cooling: 0, quarantined: 0, free: 0 },
    fencedFree: 0,
    ...added(pools.map((pool) => pool.figures)),
  };
  const figures: Figures = {
    ...{ nodes: 0, fenced: 0, ...ofNodes },
    ...{ size, leased, promised, spare, cooling, quarantined, free, fencedFree },
    waiting: sumOf([...held.values()].map(missing)),
    ...period.total,
    macs: leases.macsOf(picture.pools().map(({ name }) => name)),
  };
  return { kind: 'total', name: '', figures };
}
