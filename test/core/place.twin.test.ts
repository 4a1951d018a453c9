import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { place } from '../../src/core/place.ts';
import { asks, rooms } from './twins/arbitrary.ts';
import { bruteForce } from './twins/placement.ts';

describe('place and its brute-force twin', () => {
  it('agree on whether an ask fits and on how many instances do', () => {
    fc.assert(
      fc.property(rooms, asks, (room, ask) => {
        const most = bruteForce(room, ask);
        const placement = place(room, ask);
        const answer = placement.fits ? ask.instances : placement.most;
        assert.deepEqual(
          { fits: placement.fits, most: answer },
          { fits: most === ask.instances, most },
        );
        if (!placement.fits) return;
        const { nodes, pools } = placement.witness;
        const sum = (counts: ReadonlyMap<string, number>) =>
          [...counts.values()].reduce((all, count) => all + count, 0);
        assert.equal(sum(nodes), ask.instances);
        assert.equal(sum(pools), ask.instances * ask.demand.addresses.length);
        assert.equal(bruteForce(room, ask, placement.witness), ask.instances, 'the witness lies');
      }),
      { numRuns: Number(process.env['RUNS'] ?? 2000) },
    );
  });
});
