import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { placeAll, take } from '../../src/core/group-place.ts';
import { place } from '../../src/core/place.ts';
import { clusterOf, nodeOf, webAsk, witnessOf } from './twins/models.ts';
import { asks, rooms } from './twins/arbitrary.ts';
import { fitJointly } from './twins/placement.ts';
import { runs } from '../runs.ts';

const portless = asks.map((ask) => ({
  ...ask,
  instances: Math.min(ask.instances, 3),
  constraints: ask.constraints.slice(0, 1),
  demand: { ...ask.demand, ports: { any: 0, fixed: [] } },
}));

describe('placeAll', () => {
  it('admits no group that cannot fit, and seldom refuses one that can', () => {
    const met = { fits: 0, refused: 0, missed: 0 };
    fc.assert(
      fc.property(rooms, fc.array(portless, { minLength: 2, maxLength: 3 }), (room, group) => {
        const isPossible = fitJointly(room, group);
        const { fits } = placeAll(room, group);
        if (fits) assert.ok(isPossible, 'admitted what cannot fit');
        met[fits ? 'fits' : isPossible ? 'missed' : 'refused'] += 1;
      }),
      { numRuns: runs(1500) },
    );
    console.log(`placeAll: ${JSON.stringify(met)}`);
    assert.ok(met.missed * 20 <= met.fits, JSON.stringify(met));
  });

  it('gives witnesses that hold together, in the order of the asks', () => {
    const room = clusterOf([nodeOf('n1', { cpus: 1 }), nodeOf('n2', { cpus: 2 })]);
    const outcome = placeAll(room, [webAsk(2), webAsk(1, { app: '/shop/mail' })]);
    assert.ok(outcome.fits);
    assert.deepEqual(
      outcome.witnesses.map(({ nodes }) => [...nodes.values()].reduce((a, b) => a + b, 0)),
      [2, 1],
    );
  });

  it('names the ask that found no room', () => {
    const outcome = placeAll(clusterOf([nodeOf('n1', { cpus: 1 })]), [webAsk(1), webAsk(2)]);
    assert.ok(!outcome.fits);
    assert.deepEqual([outcome.at, outcome.placement.most], [1, 1]);
  });
});

describe('take', () => {
  const room = clusterOf([nodeOf('n1'), nodeOf('n2')], { a: 4 });
  const { demand } = webAsk(1, { ports: { any: 1, fixed: [31_000] } });

  it('takes what the witness holds and leaves the rest as it was', () => {
    const left = take(room, demand, witnessOf({ n1: 1 }, { a: 1 }));
    const { cpus, netOutKbit, ports } = left.nodes.get('n1') ?? nodeOf('none');
    assert.deepEqual(
      { cpus, netOutKbit, ports },
      { cpus: 7, netOutKbit: 800_000, ports: [[31_001, 31_999]] },
    );
    assert.equal(left.nodes.get('n2'), room.nodes.get('n2'));
    assert.equal(left.pools.get('a')?.free, 3);
    assert.equal(room.nodes.get('n1')?.cpus, 8);
  });

  it('piles up, and gives back for negative counts', () => {
    const once = take(room, demand, witnessOf({ n1: 2 }, { a: 2 }));
    const twice = take(once, demand, witnessOf({ n1: -1, n2: 1 }, { a: -1 }));
    assert.deepEqual(
      [...twice.nodes.values()].map(({ cpus }) => cpus),
      [7, 7],
    );
    assert.equal(twice.pools.get('a')?.free, 3);
  });

  it('keeps the home region', () => {
    const abroad = { ...clusterOf([nodeOf('n1', { region: 'there' })]), homeRegion: 'here' };
    const left = take(abroad, demand, witnessOf({}, {}));
    assert.equal(place(left, webAsk(1)).fits, false);
  });
});
