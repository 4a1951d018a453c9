import type { Chosen } from './place-choice.ts';
import { sharesOf, sum, type Shares } from './place-sides.ts';
import type { NodeClass, Survey } from './place-survey.ts';
import type { Witness } from './room.ts';

/** Turns counts per class into counts per node and pool, spread as evenly as the nodes allow. */
export function witnessOf(
  { rules, networks }: Survey,
  classes: readonly NodeClass[],
  { solution, open }: Chosen,
): Witness {
  const nodes = new Map<string, number>();
  const opened = open[rules.groupings.length] ?? new Set<string>();
  classes.forEach((one, i) => {
    const wanted = solution.perClass[i] ?? 0;
    if (wanted === 0) return;
    const counts = dealt(sharesOf(one, rules.perNode, opened), wanted);
    one.nodes.forEach((node, n) => {
      const count = counts[n] ?? 0;
      if (count > 0) nodes.set(node, count);
    });
  });
  const pools = networks.flatMap((network, n) =>
    network.pools.map((pool, i) => [pool, solution.usage[n]?.[i] ?? 0] as const),
  );
  return { nodes, pools: new Map(pools.filter(([, count]) => count > 0)) };
}

/** First what each node may take on its own account, then one more from the shared remainder each. */
function dealt({ base, bonus }: Shares, wanted: number): readonly number[] {
  const own = Math.min(wanted, sum(base));
  const counts = level(base, own);
  let left = wanted - own;
  return counts.map((count, i) => {
    const more = Math.min(left, bonus[i] ?? 0);
    left -= more;
    return count + more;
  });
}

/** `wanted` instances over nodes that hold `most` each, no node getting two more than it must. */
function level(most: readonly number[], wanted: number): readonly number[] {
  const height = heightFor(most, wanted);
  const counts = most.map((cap) => Math.min(cap, height - 1));
  let left = wanted - sum(counts);
  return counts.map((count, i) => {
    const more = left > 0 && (most[i] ?? 0) >= height ? 1 : 0;
    left -= more;
    return count + more;
  });
}

/** The least number per node with which all find a place, at least 1. */
function heightFor(most: readonly number[], wanted: number): number {
  let [low, high] = [1, Math.max(1, wanted)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const held = most.reduce((all, cap) => all + Math.min(cap, middle), 0);
    if (held >= wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
