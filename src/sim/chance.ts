/** Seeded chance, handed in so that a run can be played again. */
export interface Chance {
  /** Uniform in [0, 1). */
  next(): number;
  /** Whole number, both ends included. */
  between(low: number, high: number): number;
  /** A new order; the argument is left alone. */
  shuffled<T>(items: readonly T[]): T[];
  /** Looks like a version 4 UUID. */
  uuid(): string;
}

/**
 * Mulberry32: 32 bits of state, ample for a pretend cluster.
 *
 * @param seed  any integer; equal seeds give equal runs
 */
export const seededChance = (seed: number): Chance => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number =>
    low + Math.floor(next() * (high - low + 1));
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => between(0, 15).toString(16)).join('');
  return {
    next,
    between,
    shuffled: (items) => shuffle(items, between),
    uuid: () =>
      `${hex(8)}-${hex(4)}-4${hex(3)}-${(8 + between(0, 3)).toString(16)}${hex(3)}-${hex(12)}`,
  };
};

const shuffle = <T>(items: readonly T[], between: Chance['between']): T[] => {
  const rest = [...items];
  const out: T[] = [];
  while (rest.length > 0) out.push(...rest.splice(between(0, rest.length - 1), 1));
  return out;
};
