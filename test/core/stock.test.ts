import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stockTarget } from '../../src/core/stock.ts';

const plenty = { wanted: 2, used: true, room: 250, sharers: 3, starving: false };

describe('stockTarget', () => {
  for (const { says, facts, gives } of [
    { says: 'is what is wanted where there is plenty', facts: {}, gives: 2 },
    { says: 'is nothing of a pool that is not in use', facts: { used: false }, gives: 0 },
    { says: 'is nothing while others starve', facts: { starving: true }, gives: 0 },
    { says: 'is less where many share', facts: { sharers: 40 }, gives: 1 },
    { says: 'is nothing where too many share', facts: { sharers: 63 }, gives: 0 },
    { says: 'is nothing of a full pool', facts: { room: 0 }, gives: 0 },
    { says: 'counts this node, whoever else is there', facts: { room: 7, sharers: 0 }, gives: 1 },
    { says: 'is nothing when none is wanted', facts: { wanted: 0 }, gives: 0 },
  ])
    it(says, () => assert.equal(stockTarget({ ...plenty, ...facts }), gives));

  it('leaves three quarters of the room to those who ask, whatever everybody stocks', () => {
    for (let room = 0; room < 300; room++)
      for (let sharers = 1; sharers < 70; sharers++)
        assert(sharers * stockTarget({ ...plenty, room, sharers }) <= room / 4);
  });
});
