import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { searched } from '../../src/core/place-search.ts';
import type { Side } from '../../src/core/place-sides.ts';
import { flowing, type Problem } from '../../src/core/place-flow.ts';
import { runs } from '../runs.ts';

const CLASSES = 7;

const side: fc.Arbitrary<Side> = fc
  .tuple(
    fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }),
    fc.array(fc.subarray([0, 1, 2, 3], { minLength: 1, maxLength: 2 }), {
      minLength: CLASSES,
      maxLength: CLASSES,
    }),
  )
  .map(([bins, arcs]) => ({ bins, draws: bins.map(() => -1), arcs }));

const problems: fc.Arbitrary<Problem> = fc.record({
  caps: fc.array(fc.constant(1), { minLength: CLASSES, maxLength: CLASSES }),
  sides: fc.tuple(side, side, side),
  limit: fc.integer({ min: 3, max: 8 }),
});

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

/** Every count of every class, each side asked by a flow of its own. */
function* feasible(
  { caps, sides, limit }: Problem,
  counts: number[] = [],
): Generator<number, void> {
  if (counts.length === caps.length) {
    const wanted = total(counts);
    const holds = (one: Side) => flowing({ caps: counts, sides: [one], limit: wanted }).total;
    if (wanted <= limit && sides.every((one) => holds(one) === wanted)) yield wanted;
    return;
  }
  for (let count = 0; count <= (caps[counts.length] ?? 0); count++)
    yield* feasible({ caps, sides, limit }, [...counts, count]);
}

describe('the search over three sides', () => {
  it('finds as many as trying everything does, and where they go', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const found = searched(problem);
        assert.equal(found.total, Math.max(...feasible(problem)));
        assert.equal(total(found.perClass), found.total);
        found.usage.forEach((bins, i) => {
          assert.equal(total(bins), found.total);
          bins.forEach((count, bin) => assert.ok(count <= (problem.sides[i]?.bins[bin] ?? 0)));
        });
      }),
      { numRuns: runs(600) },
    );
  });

  it('goes on where every greedy order falls short', () => {
    const pools = (...arcs: number[][]): Side => ({
      bins: [1, 1, 1, 1],
      draws: [-1, -1, -1, -1],
      arcs,
    });
    const sides = [
      pools([1], [2], [1], [2], [0], [3], [3], [3], [2]),
      pools([3, 1], [3, 1], [0], [1, 2], [2], [2, 1], [1], [1, 0], [1, 0]),
      pools([3, 1], [2], [1, 0], [3], [2], [2, 1], [0], [3], [2, 1]),
    ];
    assert.equal(searched({ caps: Array.from({ length: 9 }, () => 1), sides, limit: 99 }).total, 4);
  });
});
