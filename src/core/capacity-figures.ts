import type { Figure, Figures } from './capacity-record.ts';

export type Sums = Partial<Record<Figure, number>>;

/** Figures added up, column by column; `except` are those that do not add up. */
export function added(all: readonly Figures[], except: ReadonlySet<Figure> = new Set()): Sums {
  const sums: Sums = {};
  for (const figures of all)
    for (const [figure, count] of Object.entries(figures) as [Figure, number][])
      if (!except.has(figure)) sums[figure] = (sums[figure] ?? 0) + count;
  return sums;
}

/** Lines under the name of what they share, in order of name. */
export function grouped<T>(all: readonly T[], nameOf: (one: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(nameOf(one));
    if (group) group.push(one);
    else groups.set(nameOf(one), [one]);
  }
  return [...groups].sort(([one], [other]) => byName(one, other));
}

/** Numbers by size, names by letter. */
export const byName = (one: string, other: string): number => {
  const [a, b] = [Number(one), Number(other)];
  if (Number.isInteger(a) && Number.isInteger(b)) return a - b;
  return one < other ? -1 : 1;
};

export const sumOf = (counts: Iterable<number>): number => {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
};
