import type { Grouping } from './groups.ts';
import type { Network, NodeClass } from './place-survey.ts';

/**
 * One thing that node classes share: the pools of a network, or the limits of a field's values. Bins
 * hold instances; each instance of a class takes a place in one of the class's bins, and in the bin
 * that this one draws on, if any.
 */
export interface Side {
  readonly bins: readonly number[];
  /** Per bin: the bin it draws on, or -1. */
  readonly draws: readonly number[];
  /** Per class: the bins it may use. */
  readonly arcs: readonly (readonly number[])[];
}

/** Bins are the network's pools, in its order. */
export const poolSide = (classes: readonly NodeClass[], network: Network, index: number): Side => ({
  bins: network.free,
  draws: network.free.map(() => -1),
  arcs: classes.map(({ reach }) => reach[index] ?? []),
});

/** Limits of a field's values; values that are new groups count only when `open`. */
export function valueSide(
  classes: readonly NodeClass[],
  [grouping, index]: readonly [Grouping, number],
  open: ReadonlySet<string>,
): Side {
  const builder = new Builder(grouping.remainder);
  const known = new Map<string, readonly number[]>();
  const binsOf = (value: string): readonly number[] => {
    if (grouping.isNew(value) && !open.has(value)) return [];
    return builder.pair(grouping.base(value), grouping.bonus(value));
  };
  const arcs = classes.map(({ values }) => {
    const value = values[index] ?? '';
    const bins = known.get(value) ?? binsOf(value);
    known.set(value, bins);
    return bins;
  });
  return builder.side(arcs);
}

/** The same for GROUP_BY over node names, summed up by class: nodes of a class are alike. */
export function nodeSide(
  classes: readonly NodeClass[],
  grouping: Grouping,
  open: ReadonlySet<string>,
): Side {
  const builder = new Builder(grouping.remainder);
  const arcs = classes.map((one) => {
    const shares = sharesOf(one, grouping, open);
    return builder.pair(sum(shares.base), sum(shares.bonus));
  });
  return builder.side(arcs);
}

export interface Shares {
  readonly base: readonly number[];
  readonly bonus: readonly number[];
}

/** What each node of a class may take on its own account, and whether it may take one more. */
export function sharesOf(
  { nodes, fits }: NodeClass,
  grouping: Grouping | undefined,
  open: ReadonlySet<string>,
): Shares {
  if (grouping === undefined) return { base: fits, bonus: [] };
  const isShut = (node: string) => grouping.isNew(node) && !open.has(node);
  const baseOf = (node: string) => (isShut(node) ? 0 : grouping.base(node));
  const base = nodes.map((node, i) => Math.min(fits[i] ?? 0, baseOf(node)));
  const bonus = nodes.map((node, i) =>
    !isShut(node) && (fits[i] ?? 0) > grouping.base(node) ? grouping.bonus(node) : 0,
  );
  return { base, bonus };
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

class Builder {
  readonly #bins: number[];
  readonly #draws = [-1];

  constructor(remainder: number) {
    this.#bins = [remainder];
  }

  /** A bin of its own and, for a bonus, one that draws on the shared remainder. */
  pair(base: number, bonus: number): readonly number[] {
    const at = this.#bins.push(base) - 1;
    this.#draws.push(-1);
    if (bonus === 0) return [at];
    this.#draws.push(0);
    return [at, this.#bins.push(bonus) - 1];
  }

  side(arcs: readonly (readonly number[])[]): Side {
    return { bins: this.#bins, draws: this.#draws, arcs };
  }
}

/** Most instances of one class that a side holds, were it alone. */
export function roomOf({ bins, draws, arcs }: Side, index: number): number {
  const shared = new Map<number, number>();
  let own = 0;
  for (const bin of arcs[index] ?? []) {
    const on = draws[bin] ?? -1;
    if (on < 0) own += bins[bin] ?? 0;
    else shared.set(on, (shared.get(on) ?? 0) + (bins[bin] ?? 0));
  }
  return [...shared].reduce((all, [on, wanted]) => all + Math.min(wanted, bins[on] ?? 0), own);
}
