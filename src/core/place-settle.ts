import { choose, type Chosen } from './place-choice.ts';
import { nodeSide, poolSide, roomOf, sharesOf, sum, valueSide } from './place-sides.ts';
import type { NodeClass, Survey } from './place-survey.ts';

export interface Settled {
  readonly classes: readonly NodeClass[];
  readonly chosen: Chosen;
}

/** An open CLUSTER is settled by trying what could settle it, the roomiest first. */
export function settle(surveyed: Survey, limit: number): Settled {
  let found: Settled | undefined;
  for (const { classes, most } of subsetsOf(surveyed, limit)) {
    const total = found?.chosen.solution.total ?? -1;
    if (total >= Math.min(limit, most)) break;
    const chosen = choose(surveyed, classes, limit);
    if (chosen.solution.total > total) found = { classes, chosen };
  }
  return found ?? { classes: [], chosen: choose(surveyed, [], limit) };
}

interface Subset {
  readonly classes: readonly NodeClass[];
  /** Nothing in the subset can hold more. */
  readonly most: number;
}

function subsetsOf(surveyed: Survey, limit: number): readonly Subset[] {
  const { rules, classes } = surveyed;
  if (rules.oneNode) return roomiestNode(surveyed);
  if (rules.clusters.length === 0) return [{ classes, most: limit }];
  const subsets = new Map<string, NodeClass[]>();
  for (const one of classes) {
    const same = subsets.get(one.cluster);
    if (same) same.push(one);
    else subsets.set(one.cluster, [one]);
  }
  return [...subsets.values()]
    .map((same) => ({ classes: same, most: sum(same.map(({ fits }) => sum(fits))) }))
    .sort((one, other) => other.most - one.most);
}

/** On a single node nothing is shared: each limit can be read off by itself. */
function roomiestNode({ rules, networks, classes }: Survey): readonly Subset[] {
  const everyone = new Set(classes.flatMap(({ nodes }) => nodes));
  const { groupings, perNode } = rules;
  const open = (slots: number) => (slots > 0 ? everyone : new Set<string>());
  const values = (i: number) => new Set(classes.map((one) => one.values[i] ?? ''));
  const sides = [
    ...networks.map((network, i) => poolSide(classes, network, i)),
    ...groupings.map((g, i) => valueSide(classes, [g, i], g.slots > 0 ? values(i) : new Set())),
    ...(perNode ? [nodeSide(classes, perNode, open(perNode.slots))] : []),
  ];
  let best: Subset = { classes: [], most: 0 };
  classes.forEach((one, c) => {
    const shared = Math.min(...sides.map((side) => roomOf(side, c)));
    const { base, bonus } = sharesOf(one, perNode, open(perNode?.slots ?? 1));
    one.nodes.forEach((node, n) => {
      const extra = Math.min(bonus[n] ?? 0, perNode?.remainder ?? 0);
      const fits = Math.min(shared, (base[n] ?? 0) + extra);
      if (fits > best.most)
        best = { classes: [{ ...one, nodes: [node], fits: [fits] }], most: fits };
    });
  });
  return [best];
}
