import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askOf, type Claim, extraOf, targetOf } from '../../src/core/claim.ts';
import { demandOn, webRestart } from './twins/models.ts';

describe('what is promised to an app whose instances are replaced', () => {
  for (const { says, claim, target } of [
    { says: 'all of its new addresses when its network is another', claim: {}, target: 8 },
    { says: 'so when it is one of two', claim: { demand: demandOn('prod', 'dev') }, target: 8 },
    { says: 'as many as will run', claim: { instances: 1 }, target: 5 },
    { says: 'its peak on the same network', claim: { demand: demandOn('prod') }, target: 4 },
    { says: 'and when it leaves one', claim: { before: demandOn('prod', 'dev') }, target: 4 },
    {
      says: 'its peak when nothing is known of the old ones',
      claim: { before: undefined },
      target: 4,
    },
  ])
    it(says, () => {
      assert.equal(targetOf(webRestart(claim as Partial<Claim>)), target);
    });
});

describe('what a claim asks of the room', () => {
  it('is its peak without what it holds already', () => {
    const claim = webRestart({ peak: 6, instances: 5 });
    assert.equal(extraOf(claim), 2);
    const { instances, total } = askOf(claim);
    assert.deepEqual({ instances, total }, { instances: 2, total: 5 });
  });

  it('is nothing when it holds more than its peak', () => {
    assert.equal(extraOf(webRestart({ peak: 3 })), 0);
  });
});
