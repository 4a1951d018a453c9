import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Failure,
  failureGroup,
  joined,
  minuteOf,
  TIMES_KEPT,
  withFailure,
} from '../../src/core/failure-record.ts';

const failure = (atMs: number, more: Partial<Failure> = {}): Failure => ({
  ...{ atMs, node: 'n1', network: 'prod', short: 'address', why: 'none left', app: '/a' },
  ...more,
});
const told = (times: readonly number[]) =>
  times.map((atMs) => failure(atMs)).reduce(withFailure, undefined as never);

describe('a record of refused launches', () => {
  it('counts them, and keeps the words of the last', () => {
    const record = withFailure(told([1_000, 3_000]), failure(2_000, { why: 'x'.repeat(5_000) }));
    assert.deepEqual([record.count, record.sinceMs, record.atMs], [3, 1_000, 3_000]);
    assert.deepEqual(record.times, [3_000, 2_000, 1_000]);
    assert.equal(record.why.length, 1_000);
  });

  it('keeps the newest times whatever their order, and never more than it should', () =>
    fc.assert(
      fc.property(fc.array(fc.nat(59_999), { minLength: 1, maxLength: 60 }), (times) => {
        const { count, times: kept, sinceMs, atMs } = told(times);
        const sorted = [...times].sort((a, b) => b - a);
        assert.deepEqual(kept, sorted.slice(0, TIMES_KEPT));
        assert.deepEqual([count, sinceMs, atMs], [times.length, sorted.at(-1), sorted[0]]);
      }),
    ));

  it('joins to what it would have been in one piece', () =>
    fc.assert(
      fc.property(
        fc.array(fc.nat(59_999), { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(59_999), { minLength: 1, maxLength: 40 }),
        (older, newer) =>
          assert.deepEqual(joined(told(older), told(newer)), told([...older, ...newer])),
      ),
    ));

  it('is shared by one app, node, network and kind, and by one minute', () => {
    assert.equal(failureGroup(failure(1)), failureGroup(failure(2, { task: 't', why: '' })));
    for (const other of [{ app: '/b' }, { node: 'n2' }, { network: 'dev' }] as const)
      assert.notEqual(failureGroup(failure(1)), failureGroup(failure(1, other)));
    assert.notEqual(failureGroup(failure(1)), failureGroup(failure(1, { short: 'bandwidth' })));
    assert.deepEqual([59_999, 60_000, 60_001].map(minuteOf), [0, 60_000, 60_000]);
  });
});
