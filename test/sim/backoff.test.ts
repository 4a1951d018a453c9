import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Backoff, type BackoffRule } from '../../src/sim/backoff.ts';

const DEFAULT: BackoffRule = { seconds: 1, factor: 1.15, maxSeconds: 300 };

/** A task that fails the moment it is launched: launch, fail, wait, launch. */
const serialLoop = (rule: BackoffRule, failures: number): { waits: number[]; endMs: number } => {
  const backoff = new Backoff();
  const waits: number[] = [];
  let now = 0;
  for (let count = 0; count < failures; count += 1) {
    backoff.advanced('app', now);
    backoff.failed('app', rule, now);
    waits.push(backoff.left('app', now));
    now += backoff.left('app', now);
  }
  return { waits, endMs: now };
};

describe('a serial crash loop', () => {
  it('relaunches 41 times over about 34 minutes before 300 s lie between launches', () => {
    const { waits } = serialLoop(DEFAULT, 42);
    assert.equal(waits.filter((ms) => ms < 300_000).length, 41);
    assert.equal(waits[41], 300_000);
    const minutes = serialLoop(DEFAULT, 41).endMs / 60_000;
    assert(minutes > 34 && minutes < 34.5, `${minutes} min`);
  });
});

describe('the delay after n failures at once', () => {
  for (const { failures, seconds } of [
    { failures: 1, seconds: 1 },
    { failures: 2, seconds: 1.15 },
    { failures: 20, seconds: 14.23 },
    { failures: 41, seconds: 267.86 },
    { failures: 42, seconds: 300 },
    { failures: 60, seconds: 300 },
  ])
    it(`${failures} failures make ${seconds} s`, () => {
      const backoff = new Backoff();
      for (let count = 0; count < failures; count += 1) backoff.failed('app', DEFAULT, 1000);
      assert.equal(Number((backoff.left('app', 1000) / 1000).toFixed(2)), seconds);
    });
});

describe('back-off', () => {
  const failed = (rule = DEFAULT): Backoff => {
    const backoff = new Backoff();
    for (let count = 0; count < 3; count += 1) backoff.failed('app', rule, 0);
    return backoff;
  };

  for (const { says, act, at, left } of [
    { says: 'runs down with time', act: () => undefined, at: 322, left: 1000.5 },
    {
      says: 'starts its window again at a launch step',
      act: (b: Backoff) => b.advanced('app', 1000),
      at: 1000,
      left: 1322.5,
    },
    { says: 'is over after a reset', act: (b: Backoff) => b.reset('app'), at: 0, left: 0 },
    {
      says: 'belongs to one configuration',
      act: (b: Backoff) => b.reset('other'),
      at: 0,
      left: 1322.5,
    },
    {
      says: 'outlives a sweep within its maximum',
      act: (b: Backoff) => b.sweep(300_000),
      at: 0,
      left: 1322.5,
    },
    {
      says: 'is forgotten once untouched for its maximum',
      act: (b: Backoff) => b.sweep(300_001),
      at: 0,
      left: 0,
    },
  ])
    it(says, () => {
      const backoff = failed();
      act(backoff);
      assert.equal(backoff.left('app', at), left);
    });

  it('never begins where backoffSeconds is 0', () => {
    assert.equal(failed({ ...DEFAULT, seconds: 0 }).left('app', 0), 0);
  });

  it('leaves a spec without failures alone at a launch step', () => {
    const backoff = new Backoff();
    backoff.advanced('app', 5);
    assert.equal(backoff.left('app', 5), 0);
  });

  it('grows, and never past its maximum', () => {
    const rule = fc.record({
      seconds: fc.double({ min: 0.001, max: 400, noNaN: true }),
      factor: fc.double({ min: 1, max: 10, noNaN: true }),
      maxSeconds: fc.integer({ min: 1, max: 3600 }),
    });
    fc.assert(
      fc.property(rule, fc.integer({ min: 1, max: 60 }), (one, failures) => {
        const { waits } = serialLoop(one, failures);
        waits.forEach((ms, index) => {
          assert(ms <= one.maxSeconds * 1000 + 1e-3);
          assert(ms >= (waits[index - 1] ?? 0) - 1e-3);
        });
      }),
    );
  });
});
