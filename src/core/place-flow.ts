import { Flow } from './flow.ts';
import type { Side } from './place-sides.ts';

/** How many instances each class holds at most, and what the classes share. */
export interface Problem {
  readonly caps: readonly number[];
  readonly sides: readonly Side[];
  readonly limit: number;
}

export interface Solution {
  readonly total: number;
  readonly perClass: readonly number[];
  /** Per side, per bin: instances that the bin holds. */
  readonly usage: readonly (readonly number[])[];
}

/**
 * Exact for one side or two: a flow from the bins of one through the classes to the bins of the other.
 */
export function flowing({ caps, sides, limit }: Problem): Solution {
  const flow = new Flow();
  const [source, sink] = [flow.vertex(), flow.vertex()];
  const inner = caps.map(() => flow.vertex());
  const [first, second] = sides;
  const outer = second ? caps.map(() => flow.vertex()) : inner;
  const crossing = caps.map((cap, i) =>
    flow.arc(second ? (inner[i] ?? 0) : source, outer[i] ?? 0, cap),
  );
  const used: (readonly number[])[] = [];
  if (first && second) used.push(bound(flow, first, { root: source, classes: inner, back: true }));
  const last = second ?? first;
  if (last) used.push(bound(flow, last, { root: sink, classes: outer, back: false }));
  const total = flow.send(source, sink, limit);
  return {
    total,
    perClass: crossing.map((arc) => flow.flowOn(arc)),
    usage: used.map((arcs) => arcs.map((arc) => flow.flowOn(arc))),
  };
}

interface Binding {
  /** Where instances come from or go to. */
  readonly root: number;
  readonly classes: readonly number[];
  /** From the root to the classes, instead of from the classes to the root. */
  readonly back: boolean;
}

/** Adds a side's bins between classes and root; returns the arc that measures each bin. */
function bound(flow: Flow, side: Side, { root, classes, back }: Binding): readonly number[] {
  const vertices = side.bins.map(() => flow.vertex());
  const link = (from: number, to: number, capacity: number): number =>
    back ? flow.arc(to, from, capacity) : flow.arc(from, to, capacity);
  side.arcs.forEach((bins, i) => {
    for (const bin of bins) link(classes[i] ?? 0, vertices[bin] ?? 0, Infinity);
  });
  return side.bins.map((capacity, bin) => {
    const on = side.draws[bin] ?? -1;
    return link(vertices[bin] ?? 0, on < 0 ? root : (vertices[on] ?? root), capacity);
  });
}
