import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  ALL_BITS,
  hasBit,
  maskOfOffsets,
  maskOfSpan,
  minus,
  NO_BITS,
  offsetsIn,
  popcount,
  unionOf,
  unionOfAll,
  withBit,
  withoutBit,
} from '../../src/core/mask.ts';

const offset = fc.nat(255);
const offsets = fc.uniqueArray(offset, { maxLength: 40 });
const maskFrom = (set: Iterable<number>): string => [...set].reduce(withBit, NO_BITS);
const sorted = (set: Iterable<number>): number[] => [...set].sort((a, b) => a - b);

describe('masks', () => {
  it('read from left to right, offset 0 first', () => {
    assert.equal(withBit(NO_BITS, 0), `8${'0'.repeat(63)}`);
    assert.equal(withBit(NO_BITS, 255), `${'0'.repeat(63)}1`);
    assert.equal(maskOfSpan(2, 9), `3fc${'0'.repeat(61)}`);
    assert.equal(maskOfSpan(0, 255), ALL_BITS);
    assert.equal(maskOfSpan(5, 4), NO_BITS);
  });

  it('agree with sets of offsets', () =>
    fc.assert(
      fc.property(offsets, offsets, offset, (a, b, one) => {
        const [x, y] = [maskFrom(a), maskFrom(b)];
        assert.deepEqual(offsetsIn(x), sorted(a));
        assert.equal(popcount(x), a.length);
        assert.equal(hasBit(x, one), a.includes(one));
        assert.deepEqual(offsetsIn(unionOf(x, y)), sorted(new Set([...a, ...b])));
        assert.equal(unionOfAll([x, y]), unionOf(x, y));
        assert.equal(maskOfOffsets(a), x);
        assert.deepEqual(offsetsIn(minus(x, y)), sorted(a.filter((o) => !b.includes(o))));
        assert.deepEqual(offsetsIn(withoutBit(x, one)), sorted(a.filter((o) => o !== one)));
      }),
    ));
});
