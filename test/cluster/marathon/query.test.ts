import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BadTarget } from '../../../src/cluster/errors.ts';
import {
  booleanOf,
  canonicalQuery,
  firstOf,
  parseQuery,
} from '../../../src/cluster/marathon/query.ts';

describe('booleanOf', () => {
  for (const { query, otherwise, gives } of [
    { query: '', otherwise: true, gives: true },
    { query: 'force', otherwise: true, gives: true },
    { query: 'force=', otherwise: true, gives: true },
    { query: 'force=%20+', otherwise: true, gives: true },
    { query: 'force=True', otherwise: false, gives: true },
    { query: 'force=TRUE', otherwise: false, gives: true },
    { query: 'force=1', otherwise: true, gives: false },
    { query: 'force=yes', otherwise: true, gives: false },
    { query: 'force=true+', otherwise: true, gives: false },
    { query: 'force=false&force=true', otherwise: true, gives: false },
    { query: 'force=&force=true', otherwise: false, gives: false },
    { query: 'Force=true', otherwise: false, gives: false },
    { query: 'f%6Frce=t%72ue', otherwise: false, gives: true },
    { query: '=true&force=true', otherwise: false, gives: true },
  ]) {
    it(`trap 24: ?${query} with default ${otherwise} is ${gives}`, () =>
      assert.equal(booleanOf(parseQuery(query), 'force', otherwise), gives));
  }
});

describe('parseQuery', () => {
  it('keeps repeats in order', () =>
    assert.deepEqual(parseQuery('a=1&b=2&a=3'), [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
    ]));
  it('keeps what follows a second equals sign', () =>
    assert.equal(firstOf(parseQuery('a=b=c'), 'a'), 'b=c'));
  it('refuses an invalid encoding', () => assert.throws(() => parseQuery('a=%zz'), BadTarget));
  it('refuses what is no UTF-8', () => assert.throws(() => parseQuery('a=%ff'), BadTarget));
});

describe('canonicalQuery', () => {
  const flags = { force: false, partialUpdate: true };
  for (const { raw, gives } of [
    { raw: '', gives: '' },
    { raw: 'force=false', gives: '' },
    { raw: 'force=True&partialUpdate=1', gives: '?force=true&partialUpdate=false' },
    { raw: 'force=false&force=true', gives: '' },
    { raw: 'x=a+b&force=true&x=%26', gives: '?force=true&x=a%20b&x=%26' },
  ]) {
    it(`?${raw} becomes ${gives || 'nothing'}`, () =>
      assert.equal(canonicalQuery(parseQuery(raw), flags), gives));
  }

  it('means the same when read again', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('force', 'x', 'é&='), fc.string())),
        (pairs) => {
          const sent = canonicalQuery(pairs, flags);
          const again = parseQuery(sent.slice(1));
          assert.equal(booleanOf(again, 'force', false), booleanOf(pairs, 'force', false));
          assert.equal(canonicalQuery(again, flags), sent);
        },
      ),
    ));
});
