import type { Grouping } from './groups.ts';
import type { NodeClass, Survey } from './place-survey.ts';
import { nodeSide, poolSide, sharesOf, sum, valueSide, type Side } from './place-sides.ts';
import { solve } from './place-solve.ts';
import type { Solution } from './place-flow.ts';

/** Sets of new groups that are tried one by one; with more possible sets a few likely ones are. */
const MOST_SETS = 64;

type Open = ReadonlySet<string>;

/** A GROUP_BY whose groups may not all come into being. */
interface Choice {
  readonly slots: number;
  /** Values that would be new groups, with the most that each could hold, best first. */
  readonly values: readonly (readonly [string, number])[];
  /** Instances that each value has in a solution. */
  readonly heldBy: (perClass: readonly number[]) => ReadonlyMap<string, number>;
}

/** A solution together with the new groups it assumes, one set per GROUP_BY (values, then nodes). */
export interface Chosen {
  readonly solution: Solution;
  readonly open: readonly Open[];
}

/**
 * The best placement on some classes. GROUP_BY n lets n groups come into being: which ones is a choice.
 * All sets are tried when there are at most 64; otherwise those that a placement without that rule
 * fills the most, and those that could hold the most, so that the answer holds but may be too low.
 */
export function choose(
  { rules, networks }: Survey,
  classes: readonly NodeClass[],
  limit: number,
): Chosen {
  const { groupings, perNode } = rules;
  const choices = groupings.map((grouping, i) => choiceOf(classes, grouping, byValue(classes, i)));
  if (perNode) choices.push(choiceOf(classes, perNode, byNode(classes, perNode)));
  const pools = networks.map((network, i) => poolSide(classes, network, i));
  const caps = classes.map(({ fits }) => sum(fits));
  const attempt = (open: readonly Open[]): Chosen => {
    const none: Open = new Set();
    const sides: Side[] = groupings.map((g, i) => valueSide(classes, [g, i], open[i] ?? none));
    if (perNode) sides.push(nodeSide(classes, perNode, open[groupings.length] ?? none));
    return { solution: solve({ caps, sides: [...pools, ...sides], limit }), open };
  };
  return best(candidates(choices, attempt), attempt, limit);
}

function best(
  sets: Iterable<readonly Open[]>,
  attempt: (open: readonly Open[]) => Chosen,
  limit: number,
): Chosen {
  let found: Chosen | undefined;
  for (const open of sets) {
    const chosen = attempt(open);
    if (chosen.solution.total > (found?.solution.total ?? -1)) found = chosen;
    if (chosen.solution.total >= limit) return chosen;
  }
  return found ?? attempt([]);
}

function* candidates(
  choices: readonly Choice[],
  attempt: (open: readonly Open[]) => Chosen,
): Generator<readonly Open[], void> {
  const everything = choices.map(({ values }) => new Set(values.map(([value]) => value)));
  if (choices.every(({ slots, values }) => values.length <= slots)) {
    yield everything;
    return;
  }
  const sizes = choices.map(({ slots, values }) => subsetCount(values.length, slots));
  if (sizes.reduce((all, size) => all * size, 1) <= MOST_SETS) {
    yield* product(choices);
    return;
  }
  const { perClass } = attempt(everything).solution;
  yield choices.map((choice) => mostFilled(choice, perClass));
  yield choices.map(({ slots, values }) => new Set(values.slice(0, slots).map(([value]) => value)));
}

/** The values that a placement without the limit on groups fills the most. */
function mostFilled({ slots, values, heldBy }: Choice, perClass: readonly number[]): Open {
  const held = heldBy(perClass);
  const names = values.map(([value]) => value);
  names.sort((one, other) => (held.get(other) ?? 0) - (held.get(one) ?? 0));
  return new Set(names.slice(0, slots));
}

function subsetCount(of: number, slots: number): number {
  let count = 1;
  for (let i = 0; i < Math.min(slots, of); i++) count = (count * (of - i)) / (i + 1);
  return slots >= of ? 1 : count;
}

function* product([first, ...rest]: readonly Choice[]): Generator<readonly Open[], void> {
  if (first === undefined) {
    yield [];
    return;
  }
  const names = first.values.map(([value]) => value);
  for (const subset of subsets(names, Math.min(first.slots, names.length)))
    for (const others of product(rest)) yield [new Set(subset), ...others];
}

function* subsets(names: readonly string[], size: number): Generator<readonly string[], void> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let i = 0; i + size <= names.length; i++)
    for (const rest of subsets(names.slice(i + 1), size - 1)) yield [names[i] ?? '', ...rest];
}

interface Counted {
  /** Instances that each value could hold by its nodes alone. */
  readonly room: ReadonlyMap<string, number>;
  readonly heldBy: Choice['heldBy'];
}

function choiceOf(
  classes: readonly NodeClass[],
  grouping: Grouping,
  { room, heldBy }: Counted,
): Choice {
  if (grouping.slots === Infinity || classes.length === 0) return { slots: 0, values: [], heldBy };
  const values = [...room]
    .filter(([value]) => grouping.isNew(value))
    .map(([value, fits]): [string, number] => {
      const most = grouping.base(value) + Math.min(grouping.bonus(value), grouping.remainder);
      return [value, Math.min(fits, most)];
    })
    .sort(([, one], [, other]) => other - one);
  return { slots: grouping.slots, values, heldBy };
}

function byValue(classes: readonly NodeClass[], index: number): Counted {
  const count = (amounts: readonly number[]) => {
    const held = new Map<string, number>();
    classes.forEach(({ values }, i) => {
      const value = values[index] ?? '';
      held.set(value, (held.get(value) ?? 0) + (amounts[i] ?? 0));
    });
    return held;
  };
  return { room: count(classes.map(({ fits }) => sum(fits))), heldBy: count };
}

function byNode(classes: readonly NodeClass[], grouping: Grouping): Counted {
  const room = new Map(
    classes.flatMap(({ nodes, fits }) => nodes.map((node, i) => [node, fits[i] ?? 0] as const)),
  );
  const everyone: Open = new Set(room.keys());
  const heldBy = (perClass: readonly number[]) => {
    const held = new Map<string, number>();
    classes.forEach((one, c) => {
      const { base, bonus } = sharesOf(one, grouping, everyone);
      const order = one.nodes.map((node, i) => [node, (base[i] ?? 0) + (bonus[i] ?? 0)] as const);
      let left = perClass[c] ?? 0;
      for (const [node, most] of [...order].sort(([, a], [, b]) => b - a)) {
        held.set(node, Math.min(left, most));
        left -= Math.min(left, most);
      }
    });
    return held;
  };
  return { room, heldBy };
}
