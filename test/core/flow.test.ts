import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Flow } from '../../src/core/flow.ts';
import { runs } from '../runs.ts';

type Arc = readonly [from: number, to: number, capacity: number];

/** The least capacity over all ways to part source 0 from sink 1: what a flow reaches at most. */
function leastCut(vertices: number, arcs: readonly Arc[]): number {
  let least = Infinity;
  for (let side = 0; side < 2 ** vertices; side++) {
    const isIn = (vertex: number) => ((side >> vertex) & 1) === 1;
    if (!isIn(0) || isIn(1)) continue;
    const across = arcs.filter(([from, to]) => isIn(from) && !isIn(to));
    least = Math.min(
      least,
      across.reduce((sum, [, , capacity]) => sum + capacity, 0),
    );
  }
  return least;
}

const built = (vertices: number, arcs: readonly Arc[]) => {
  const flow = new Flow();
  for (let i = 0; i < vertices; i++) flow.vertex();
  return { flow, numbers: arcs.map(([from, to, capacity]) => flow.arc(from, to, capacity)) };
};

const VERTICES = 6;
const arcsOf = fc.array(fc.tuple(fc.nat(VERTICES - 1), fc.nat(VERTICES - 1), fc.nat(5)), {
  maxLength: 14,
});

describe('Flow', () => {
  it('sends as much as the least cut lets through', () => {
    fc.assert(
      fc.property(arcsOf, (arcs) => {
        const { flow } = built(VERTICES, arcs);
        assert.equal(flow.send(0, 1, Infinity), leastCut(VERTICES, arcs));
      }),
      { numRuns: runs(500) },
    );
  });

  it('loses nothing on the way and overfills no arc', () => {
    fc.assert(
      fc.property(arcsOf, fc.nat(6), (arcs, limit) => {
        const { flow, numbers } = built(VERTICES, arcs);
        const sent = flow.send(0, 1, limit);
        const net = Array.from({ length: VERTICES }, () => 0);
        arcs.forEach(([from, to, capacity], i) => {
          const on = flow.flowOn(numbers[i] ?? 0);
          assert.ok(on >= 0 && on <= capacity);
          net[from] = (net[from] ?? 0) - on;
          net[to] = (net[to] ?? 0) + on;
        });
        assert.deepEqual(
          net,
          [-sent, sent, 0, 0, 0, 0].map((n) => n + 0),
        );
      }),
      { numRuns: runs(500) },
    );
  });

  it('goes on where it stopped when an arc is raised', () => {
    const { flow, numbers } = built(3, [
      [0, 2, 1],
      [2, 1, 9],
    ]);
    assert.equal(flow.send(0, 1, 9), 1);
    flow.raise(numbers[0] ?? 0, 3);
    assert.equal(flow.send(0, 1, 9), 3);
    assert.equal(flow.flowOn(numbers[1] ?? 0), 4);
  });
});
