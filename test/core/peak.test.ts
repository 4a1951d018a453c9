import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { endedAtOnce, extraOf, peakOf, type Change } from '../../src/core/peak.ts';

/** `count` healthy instances of the old version run as they should. */
const steady = (count: number) => ({
  instances: count,
  tracked: count,
  otherVersion: count,
  healthy: count,
});
const change = (fields: Partial<Change>): Change => ({
  instances: 1,
  restart: true,
  minHealth: 1,
  maxOver: 1,
  resident: false,
  ...fields,
});

describe('peakOf a restart', () => {
  for (const { says, from, to, minHealth, maxOver, resident = false, peak } of [
    { says: 'doubles by default', from: 10, to: 10, minHealth: 1, maxOver: 1, peak: 20 },
    { says: 'needs one more at 1/0', from: 10, to: 10, minHealth: 1, maxOver: 0, peak: 11 },
    { says: 'stays at 0.5/0', from: 10, to: 10, minHealth: 0.5, maxOver: 0, peak: 10 },
    { says: 'stays at 0/0', from: 10, to: 10, minHealth: 0, maxOver: 0, peak: 10 },
    {
      says: 'doubles at 0/1: kills and starts overlap',
      from: 10,
      to: 10,
      minHealth: 0,
      maxOver: 1,
      peak: 20,
    },
    { says: 'stays while it scales down', from: 10, to: 2, minHealth: 1, maxOver: 1, peak: 10 },
    {
      says: 'counts up to twice the new target',
      from: 2,
      to: 10,
      minHealth: 1,
      maxOver: 1,
      peak: 12,
    },
    {
      says: 'takes over-capacity of the new target',
      from: 10,
      to: 20,
      minHealth: 1,
      maxOver: 0.25,
      peak: 25,
    },
    { says: '25 at 0.16 is 28', from: 25, to: 25, minHealth: 1, maxOver: 0.16, peak: 28 },
    { says: '45 at 0.4 is 62', from: 45, to: 45, minHealth: 1, maxOver: 0.4, peak: 62 },
    { says: '100 at 0.15 is 114', from: 100, to: 100, minHealth: 1, maxOver: 0.15, peak: 114 },
    {
      says: 'adds one when the share rounds to nothing',
      from: 3,
      to: 3,
      minHealth: 1,
      maxOver: 0.3,
      peak: 4,
    },
    {
      says: 'one instance with external volumes peaks at two',
      from: 1,
      to: 1,
      minHealth: 0.5,
      maxOver: 0,
      peak: 2,
    },
    {
      says: 'a resident app never goes over',
      from: 3,
      to: 3,
      minHealth: 1,
      maxOver: 0,
      resident: true,
      peak: 3,
    },
    {
      says: 'one resident instance stays one',
      from: 1,
      to: 1,
      minHealth: 0.5,
      maxOver: 0,
      resident: true,
      peak: 1,
    },
    { says: 'from nothing needs the target', from: 0, to: 7, minHealth: 1, maxOver: 1, peak: 7 },
    { says: 'of no instances needs nothing', from: 0, to: 0, minHealth: 1, maxOver: 1, peak: 0 },
    { says: 'to zero only stops', from: 6, to: 0, minHealth: 1, maxOver: 1, peak: 6 },
  ]) {
    it(says, () => {
      const asked = change({ before: steady(from), instances: to, minHealth, maxOver, resident });
      assert.equal(peakOf(asked), peak);
      assert.equal(extraOf(asked), peak - from);
    });
  }

  it('gets no extra one while an old instance is unhealthy', () =>
    assert.equal(
      peakOf(change({ before: { ...steady(10), healthy: 9 }, instances: 10, maxOver: 0 })),
      10,
    ));

  it('counts instances that already have the new version', () => {
    const before = { instances: 10, tracked: 14, otherVersion: 8, healthy: 14, started: 6 };
    assert.equal(peakOf(change({ before, instances: 10 })), 18); // 8 old + 10 new, under C = 20
    assert.equal(extraOf(change({ before, instances: 10 })), 4);
  });

  it('to zero keeps the old target, as a scale does', () => {
    const before = { instances: 5, tracked: 3, otherVersion: 3, healthy: 3 };
    assert.equal(peakOf(change({ before, instances: 0 })), 5);
  });

  it('starts nothing while a forced-over deployment left more than fit', () => {
    const before = { instances: 4, tracked: 9, otherVersion: 9, healthy: 9 };
    assert.equal(peakOf(change({ before, instances: 4 })), 9);
    assert.equal(extraOf(change({ before, instances: 4 })), 0);
  });

  it('keeps room for instances that are still dying', () => {
    const before = { instances: 10, tracked: 13, otherVersion: 10, healthy: 10 };
    assert.equal(peakOf(change({ before, instances: 10 })), 23);
  });
});

describe('what a restart ends at once', () => {
  for (const { says, of, ended } of [
    { says: 'is nothing when all have to stay up', of: {}, ended: 0 },
    { says: 'is all when none has to', of: { minHealth: 0 }, ended: 8 },
    { says: 'is what may be missing', of: { minHealth: 0.6 }, ended: 3 },
    {
      says: 'is less by what is ill',
      of: { minHealth: 0.5, before: { ...steady(8), healthy: 6 } },
      ended: 2,
    },
    { says: 'is no more than comes back', of: { minHealth: 0, instances: 3 }, ended: 3 },
    { says: 'is what is too many', of: { instances: 6 }, ended: 2 },
    { says: 'is nothing of a scale', of: { minHealth: 0, restart: false }, ended: 0 },
    { says: 'is nothing when it ends at none', of: { minHealth: 0, instances: 0 }, ended: 0 },
  ])
    it(says, () =>
      assert.equal(endedAtOnce(change({ before: steady(8), instances: 8, ...of })), ended),
    );
});

describe('peakOf a scale', () => {
  for (const { says, before, to, peak, extra } of [
    { says: 'of a new app is its target', before: undefined, to: 5, peak: 5, extra: 5 },
    { says: 'up is the new target', before: steady(2), to: 5, peak: 5, extra: 3 },
    { says: 'down is what runs', before: steady(5), to: 2, peak: 5, extra: 0 },
    {
      says: 'down keeps the old target',
      before: { ...steady(3), instances: 5 },
      to: 4,
      peak: 5,
      extra: 1,
    },
    {
      says: 'counts what runs beyond the target',
      before: { ...steady(6), instances: 4 },
      to: 5,
      peak: 6,
      extra: 0,
    },
  ]) {
    it(says, () => {
      const asked = change({ ...(before && { before }), instances: to, restart: false });
      assert.equal(peakOf(asked), peak);
      assert.equal(extraOf(asked), extra);
    });
  }

  it('is what a restart of an unknown app means', () =>
    assert.equal(peakOf(change({ instances: 3 })), 3));
});

/** Marathon's own steps with everything healthy at once: start what may start, kill, look again. */
function played({ before, instances, minHealth, maxOver }: Change): number {
  let [old, fresh] = [before!.otherVersion, 0];
  const least = Math.ceil(instances * minHealth);
  let most = Math.trunc(instances * (1 + maxOver));
  if (least === most && most <= old) most += 1;
  let peak = old;
  const surplus = Math.max(0, old - least, old - instances);
  for (let killed = 0; old > 0 || fresh < instances;) {
    fresh += Math.max(0, Math.min(instances - fresh, most - old - fresh));
    peak = Math.max(peak, old + fresh);
    const gone = Math.min(old, killed === 0 && surplus > 0 ? surplus : 1);
    killed += 1;
    old -= gone;
  }
  return peak;
}

describe('peakOf, thrown at', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const changes = fc
    .tuple(fc.nat(60), fc.integer({ min: 1, max: 60 }), share, share)
    .map(([from, to, minHealth, maxOver]) =>
      change({ before: steady(from), instances: to, minHealth, maxOver }),
    );

  it('agrees with the deployment played step by step', () => {
    fc.assert(fc.property(changes, (asked) => assert.equal(peakOf(asked), played(asked))));
  });

  it('is never under what runs nor under the target, nor over both together', () => {
    fc.assert(
      fc.property(changes, fc.boolean(), (asked, restart) => {
        const peak = peakOf({ ...asked, restart });
        const { tracked } = asked.before!;
        assert.ok(peak >= Math.max(tracked, asked.instances));
        assert.ok(peak <= tracked + asked.instances);
      }),
    );
  });
});
