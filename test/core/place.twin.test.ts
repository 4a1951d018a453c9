import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { explain } from '../../src/core/explain.ts';
import { settle } from '../../src/core/place-settle.ts';
import { survey } from '../../src/core/place-survey.ts';
import { place } from '../../src/core/place.ts';
import { rulesOf } from '../../src/core/place-rules.ts';
import { networkShortage } from '../../src/core/shortage-network.ts';
import { asks, rooms } from './twins/arbitrary.ts';
import { bruteForce } from './twins/placement.ts';
import { runs } from '../runs.ts';

/** What was met on the way: a property that never meets its case proves nothing. */
const met = { fits: 0, short: 0, constrained: 0 };

const RUNS = runs(2000);

describe('place and its brute-force twin', () => {
  it('agree on whether an ask fits and on how many instances do', () => {
    fc.assert(
      fc.property(rooms, asks, (room, ask) => {
        const most = bruteForce(room, ask);
        const placement = place(room, ask);
        met[placement.fits ? 'fits' : 'short'] += 1;
        met.constrained += Math.min(1, ask.constraints.length);
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
      { numRuns: RUNS },
    );
    assert.ok(met.fits + met.short >= RUNS, JSON.stringify(met));
    assert.ok(met.fits > RUNS / 10 && met.short > RUNS / 10, JSON.stringify(met));
    assert.ok(met.constrained > RUNS / 10, JSON.stringify(met));
    console.log(`place: ${JSON.stringify(met)}`);
  });
});

describe('what a refusal says', () => {
  it('is the same whether it is read off what place has seen, or looked at anew', () => {
    let refused = 0;
    fc.assert(
      fc.property(rooms, asks, (room, ask) => {
        const all = explain(room, ask);
        assert.deepEqual(explain(room, ask, 2), all.slice(0, 2));
        const placement = place(room, ask);
        if (placement.fits || placement.shortage.candidates === 0) return;
        refused += 1;
        const { networks, limits } = placement.shortage;
        const { tests } = rulesOf(room, ask);
        const reaches = new Map<readonly string[], number>();
        for (const node of room.nodes.values())
          if (node.offered && tests.every(({ test }) => test(node) === true))
            reaches.set(node.pools, (reaches.get(node.pools) ?? 0) + 1);
        for (const { network, ...rest } of networks)
          assert.deepEqual(
            { network, ...rest },
            networkShortage(room, ask, { network, surveyed: undefined, reaches }),
          );
        const { chosen } = settle(survey(room, ask, []), ask.instances);
        assert.equal(limits.holds, chosen.solution.total);
      }),
      { numRuns: runs(2000) },
    );
    assert.ok(refused > runs(200), `${refused} refused`);
  });
});
