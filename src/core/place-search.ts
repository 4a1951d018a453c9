import { Flow } from './flow.ts';
import { sum, type Side } from './place-sides.ts';
import { flowing, type Problem, type Solution } from './place-flow.ts';

/** Tries that the exact search may spend; enough for six instances over five classes and then some. */
const MOST_TRIES = 4000;

/**
 * Three or more sides at once is no flow any more (it is as hard as matching in three dimensions), so:
 * every pair of sides bounds the answer from above by a flow; greedy fillings in several orders,
 * started from those flows, reach for the bound; where they fall short, a depth-first search over the
 * counts of each class goes on for at most 4,000 tries. What comes out always holds; it is the most
 * that holds when the bound was reached or the search came to its end.
 */
export function searched(problem: Problem): Solution {
  const pairs = pairsOf(problem.sides).map((sides) => flowing({ ...problem, sides }));
  const bound = Math.min(...pairs.map(({ total }) => total));
  const counters = problem.sides.map((side) => new Counter(side));
  const filling = new Filling(problem, counters);
  let best: readonly number[] = problem.caps.map(() => 0);
  for (const start of starts(problem, pairs)) {
    const found = filling.greedy(start);
    if (sum(found) > sum(best)) best = found;
    if (sum(best) >= bound) break;
  }
  if (sum(best) < bound) best = filling.exhaustive(best, bound);
  filling.set(best);
  return { total: sum(best), perClass: best, usage: counters.map((counter) => counter.usage()) };
}

const pairsOf = (sides: readonly Side[]): readonly (readonly Side[])[] =>
  sides.flatMap((one, i) => sides.slice(i + 1).map((other) => [one, other]));

type Start = readonly (readonly [index: number, wanted: number])[];

/** Orders in which classes are filled: as each pair's flow had it, and then topped up both ways. */
function starts({ caps }: Problem, pairs: readonly Solution[]): readonly Start[] {
  const up = caps.map((cap, i) => [i, cap] as const);
  const down = [...up].reverse();
  const fromPairs = pairs.map(({ perClass }) => [...perClass.entries()]);
  return [
    ...fromPairs.flatMap((pair) => [
      [...pair, ...up],
      [...pair.reverse(), ...down],
    ]),
    up,
    down,
  ];
}

/** Fills classes so that all sides agree. */
class Filling {
  readonly #problem: Problem;
  readonly #counters: readonly Counter[];
  #counts: number[];
  #tries = 0;

  constructor(problem: Problem, counters: readonly Counter[]) {
    this.#problem = problem;
    this.#counters = counters;
    this.#counts = problem.caps.map(() => 0);
  }

  greedy(start: Start): readonly number[] {
    this.set([]);
    for (const [index, wanted] of start) this.#add(index, wanted);
    return [...this.#counts];
  }

  /** Empties everything and fills in `counts`, which must hold. */
  set(counts: readonly number[]): void {
    this.#counts.forEach((count, i) => {
      this.#remove(i, count);
    });
    counts.forEach((count, i) => this.#add(i, count));
  }

  /** The best counts that at most MOST_TRIES find, starting from `best`. */
  exhaustive(best: readonly number[], bound: number): readonly number[] {
    this.set([]);
    this.#tries = 0;
    let found = best;
    const rest = suffixSums(this.#problem.caps);
    const visit = (index: number, total: number): void => {
      if (total > sum(found)) found = [...this.#counts];
      if (index === rest.length || total + (rest[index] ?? 0) <= sum(found)) return;
      const most = this.#add(index, this.#problem.caps[index] ?? 0);
      for (let count = most; count >= 0; count--) {
        if (sum(found) < bound && this.#tries++ < MOST_TRIES) visit(index + 1, total + count);
        if (count > 0) this.#remove(index, 1);
      }
    };
    visit(0, 0);
    return found;
  }

  /** Adds up to `wanted` to a class; returns how many all sides took. */
  #add(index: number, wanted: number): number {
    const has = this.#counts[index] ?? 0;
    const spare = Math.min((this.#problem.caps[index] ?? 0) - has, this.#left());
    let agreed = Math.max(0, Math.min(wanted, spare));
    const taken = this.#counters.map((counter) => (agreed = counter.add(index, agreed)));
    this.#counters.forEach((counter, i) => {
      counter.remove(index, (taken[i] ?? 0) - agreed);
    });
    this.#counts[index] = has + agreed;
    return agreed;
  }

  #remove(index: number, count: number): void {
    for (const counter of this.#counters) counter.remove(index, count);
    this.#counts[index] = (this.#counts[index] ?? 0) - count;
  }

  #left(): number {
    return this.#problem.limit - sum(this.#counts);
  }
}

/** Element i: the sum of all from i on. */
function suffixSums(numbers: readonly number[]): readonly number[] {
  const sums: number[] = [];
  numbers.reduceRight((all, number, i) => (sums[i] = all + number), 0);
  return sums;
}

/** What one side holds while classes come and go. */
class Counter {
  readonly #flow = new Flow();
  readonly #sink = this.#flow.vertex();
  readonly #classes: readonly { readonly vertex: number; readonly source: number }[];
  /** Per class, its arcs to bins. */
  readonly #toBins: readonly (readonly (readonly [arc: number, bin: number])[])[];
  readonly #fromBins: readonly number[];
  readonly #side: Side;
  readonly #source = this.#flow.vertex();

  constructor(side: Side) {
    this.#side = side;
    const bins = side.bins.map(() => this.#flow.vertex());
    this.#classes = side.arcs.map(() => {
      const vertex = this.#flow.vertex();
      return { vertex, source: this.#flow.arc(this.#source, vertex, 0) };
    });
    this.#toBins = side.arcs.map((list, i) =>
      list.map((bin) => {
        const from = this.#classes[i]?.vertex ?? 0;
        return [this.#flow.arc(from, bins[bin] ?? 0, Infinity), bin] as const;
      }),
    );
    this.#fromBins = side.bins.map((capacity, bin) => {
      const on = side.draws[bin] ?? -1;
      return this.#flow.arc(bins[bin] ?? 0, on < 0 ? this.#sink : (bins[on] ?? 0), capacity);
    });
  }

  /** Takes up to `count` more of a class; returns how many there was room for. */
  add(index: number, count: number): number {
    const arc = this.#classes[index]?.source;
    if (arc === undefined || count <= 0) return 0;
    this.#flow.raise(arc, count);
    const sent = this.#flow.send(this.#source, this.#sink, count);
    this.#flow.raise(arc, sent - count);
    return sent;
  }

  remove(index: number, count: number): void {
    let left = count;
    for (const [arc, bin] of this.#toBins[index] ?? []) {
      const by = Math.min(left, this.#flow.flowOn(arc));
      if (by <= 0) continue;
      left -= by;
      this.#flow.undo(arc, by);
      this.#release(bin, by);
    }
    const source = this.#classes[index]?.source;
    if (source !== undefined && count > 0) {
      this.#flow.undo(source, count);
      this.#flow.raise(source, -count);
    }
  }

  #release(bin: number, by: number): void {
    this.#flow.undo(this.#fromBins[bin] ?? 0, by);
    const on = this.#side.draws[bin] ?? -1;
    if (on >= 0) this.#release(on, by);
  }

  usage(): readonly number[] {
    return this.#fromBins.map((arc) => this.#flow.flowOn(arc));
  }
}
