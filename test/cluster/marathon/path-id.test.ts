import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  bodyId,
  bodySpecId,
  canonicalId,
  canonicalSpecId,
  groupOf,
  isValidId,
  isWithin,
} from '../../../src/cluster/marathon/path-id.ts';
import { BadId } from '../../../src/cluster/errors.ts';

describe('canonicalId', () => {
  for (const { says, raw, base = '/', gives } of [
    { says: 'a plain id', raw: '/x', gives: '/x' },
    { says: 'trap 1: a relative id is below the base', raw: 'b', base: '/a', gives: '/a/b' },
    { says: 'an absolute id ignores the base', raw: '/b', base: '/a', gives: '/b' },
    { says: 'slashes around it', raw: '/x/', gives: '/x' },
    { says: 'empty segments', raw: '//a///b//', gives: '/a/b' },
    { says: 'a dot segment', raw: '/a/./b', gives: '/a/b' },
    { says: 'a segment that pops', raw: 'a/../x', gives: '/x' },
    { says: 'popping the root', raw: '../../x', gives: '/x' },
    { says: 'a relative id that pops the base', raw: '../x', base: '/a/b', gives: '/a/x' },
    { says: 'the root', raw: '/', gives: '/' },
    { says: 'nothing is the root', raw: '', gives: '/' },
    { says: 'dotted labels', raw: 'a.b-c.1', gives: '/a.b-c.1' },
  ]) {
    it(says, () => assert.equal(canonicalId(raw, base), gives));
  }

  for (const raw of [
    '/A',
    'a_b',
    '-a',
    'a-',
    'a b',
    'a..b',
    '.a',
    'é',
    'a%2Fb',
    'a\0',
    'a\n',
    'a;b',
  ]) {
    it(`refuses ${JSON.stringify(raw)}`, () => assert.throws(() => canonicalId(raw), BadId));
  }

  it('names the bad segment', () =>
    assert.throws(() => canonicalId('/shop/Web'), {
      message: 'the id "/shop/Web" is not usable: the segment "Web" is not allowed',
    }));

  it('refuses an id without end, at once', () =>
    assert.throws(() => canonicalId(`/${'a-'.repeat(50_000)}`), /over the limit of 1024/));

  const segment = fc.constantFrom('a', 'b', '..', '.', '', 'c-d', '1.2');
  it('is stable: a canonical id is its own canonical id', () =>
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), fc.boolean(), (parts, absolute) => {
        const id = canonicalId((absolute ? '/' : '') + parts.join('/'));
        assert.equal(canonicalId(id), id);
        assert.equal(canonicalId(id, '/any/base'), id);
      }),
    ));
});

describe('ids of apps and pods', () => {
  for (const raw of ['/', '', 'a/..', 'a/restart', '/a/tasks', 'versions']) {
    it(`refuses ${JSON.stringify(raw)}`, () => {
      assert.throws(() => canonicalSpecId(raw), BadId);
      assert.throws(() => bodySpecId(raw), BadId);
      assert.equal(isValidId(raw), false);
    });
  }

  it('allows the words of the API inside', () => assert.equal(isValidId('/a/tasks/b'), true));
  it('knows that an id is not canonical', () => assert.equal(isValidId('a//b'), false));
  it('refuses a dot segment in a body, not in a URL', () => {
    assert.throws(() => bodyId('/a/./b'), BadId);
    assert.equal(bodyId('/a/../b'), '/b');
  });
});

describe('groups of ids', () => {
  it('finds the group', () => {
    assert.equal(groupOf('/a/b/c'), '/a/b');
    assert.equal(groupOf('/a'), '/');
    assert.equal(groupOf('/'), '/');
  });
  it('tells what is within', () => {
    assert.equal(isWithin('/a/b', '/a'), true);
    assert.equal(isWithin('/a', '/a'), true);
    assert.equal(isWithin('/ab', '/a'), false);
    assert.equal(isWithin('/ab', '/'), true);
  });
});
