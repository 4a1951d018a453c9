import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { labelIn, podWishes, totalOf, wishIn } from '../../../src/cluster/marathon/env.ts';

const place = { name: 'net_in', path: '/env' };

describe('wishIn', () => {
  for (const { says, env, policy = 'refuse', gives } of [
    { says: 'no environment wishes nothing', env: undefined, gives: undefined },
    { says: 'null is no environment', env: null, gives: undefined },
    { says: 'other names are not looked at', env: { other: 5 }, gives: undefined },
    { says: 'nor is what every object has', env: {}, gives: undefined },
    { says: 'a rate is kbit/s', env: { net_in: '1mbit' }, gives: 1000 },
    {
      says: 'a secret may be the default',
      env: { net_in: { secret: 's' } },
      policy: 'default',
      gives: 'default',
    },
  ] as const) {
    it(says, () => assert.equal(wishIn(env, place, policy), gives));
  }

  it('is not fooled by a name that objects inherit', () =>
    assert.equal(wishIn({}, { name: 'constructor', path: '/env' }, 'refuse'), undefined));
});

describe('labelIn', () => {
  it('reads plain text', () => assert.equal(labelIn({ net_in: '2gbit' }, place), 2_000_000));
  it('refuses a secret, which labels cannot hold', () =>
    assert.throws(() => labelIn({ net_in: { secret: 's' } }, place), { code: 'unusable-rate' }));
});

describe('podWishes', () => {
  for (const { says, pod, containers, gives } of [
    { says: 'nothing anywhere is nothing', pod: undefined, containers: [undefined], gives: [] },
    {
      says: 'the pod speaks for silent containers once',
      pod: 9,
      containers: [undefined, undefined],
      gives: [9],
    },
    {
      says: 'and beside those with their own',
      pod: 9,
      containers: [1, undefined, 2],
      gives: [1, 2, 9],
    },
    { says: 'but not when none is silent', pod: 9, containers: [1, 2], gives: [1, 2] },
  ]) {
    it(says, () => assert.deepEqual(podWishes(pod, containers), gives));
  }
});

describe('totalOf', () => {
  for (const { says, wishes, gives } of [
    { says: 'no wish is the default', wishes: [], gives: 100 },
    { says: 'an absent wish is no wish', wishes: [undefined], gives: 100 },
    { says: 'wishes add up', wishes: [1, 2], gives: 3 },
    { says: 'a secret adds the default', wishes: ['default', 2], gives: 102 },
  ] as const) {
    it(says, () => assert.equal(totalOf(wishes, 100), gives));
  }
});
