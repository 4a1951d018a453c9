import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { attributesOf } from '../../src/core/attributes.ts';
import { attributeChanges, mayWrite, withChanges } from '../../src/core/attributes-diff.ts';
import {
  nameFault,
  parseAttributes,
  renderAttributes,
  sameAttributes,
  sameValue,
  typeOf,
  valueFault,
} from '../../src/core/attributes-text.ts';
import { readNetwork, readNode, readPool } from '../../src/core/topology-read.ts';
import { runs } from '../runs.ts';

const map = (of: Record<string, string>): ReadonlyMap<string, string> =>
  new Map(Object.entries(of));

describe('an attribute', () => {
  for (const { value, is } of [
    { value: 'r1', is: 'TEXT' },
    { value: 'eu-west_1.a/b', is: 'TEXT' },
    { value: '10', is: 'SCALAR' },
    { value: '1.5', is: 'SCALAR' },
    { value: '-1', is: 'TEXT' }, // negative numbers are no scalars to Mesos
    { value: 'inf', is: 'TEXT' },
    { value: '[1-5]', is: 'RANGES' },
    { value: '[1-5,7-9]', is: 'RANGES' },
  ])
    it(`of value ${value} is ${is}`, () => {
      assert.equal(valueFault(value), undefined);
      assert.equal(typeOf(value), is);
    });

  for (const { value, why } of [
    { value: '', why: /empty/ },
    { value: '{a,b}', why: /set/ },
    { value: '[1-5', why: /do not read/ },
    { value: '[5-1]', why: /ends before/ },
    { value: '[a-b]', why: /do not read/ },
    { value: 'a[1-2]', why: /other characters/ },
    { value: 'a b', why: /other characters/ },
    { value: 'a;b:c', why: /other characters/ },
    { value: 'a\nb:c', why: /other characters/ },
    { value: 'é', why: /other characters/ },
    { value: '1e3', why: /number/ },
    { value: '0x10', why: /number/ },
    { value: '.5', why: /number/ },
    { value: 'x'.repeat(256), why: /255/ },
  ])
    it(`of value ${JSON.stringify(value).slice(0, 20)} is refused`, () =>
      assert.match(valueFault(value) ?? 'taken', why));

  for (const { name, why } of [
    { name: '', why: /empty/ },
    { name: 'a:b', why: /other characters/ },
    { name: 'a;b', why: /other characters/ },
    { name: 'hostname', why: /Marathon/ },
  ])
    it(`named ${JSON.stringify(name)} is refused`, () =>
      assert.match(nameFault(name) ?? 'taken', why));
});

describe('the text of attributes', () => {
  for (const { says, text, attributes, faults } of [
    {
      says: 'has lines',
      text: 'rack:r1\nzone:a\n',
      attributes: { rack: 'r1', zone: 'a' },
      faults: 0,
    },
    {
      says: 'or semicolons',
      text: 'rack:r1;zone:a',
      attributes: { rack: 'r1', zone: 'a' },
      faults: 0,
    },
    {
      says: 'loses spaces, as Mesos does',
      text: ' rack : r 1 \n',
      attributes: { rack: 'r1' },
      faults: 0,
    },
    { says: 'may be empty', text: '\n;\n', attributes: {}, faults: 0 },
    {
      says: 'names what is fatal',
      text: 'rack:\nx\ny:{a}\nz:1',
      attributes: { z: '1' },
      faults: 3,
    },
    { says: 'takes a name once', text: 'a:1\na:2', attributes: { a: '1' }, faults: 1 },
  ])
    it(says, () => {
      const parsed = parseAttributes(text);
      assert.deepEqual(Object.fromEntries(parsed.attributes), attributes);
      assert.equal(parsed.faults.length, faults);
    });

  it('comes back as it was', () => {
    const word = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_./-]{0,10}$/);
    const value = fc.oneof(
      word,
      fc.nat().map(String),
      fc.constantFrom('[1-2]', '[1-2,5-9]', '0.5'),
    );
    const all = fc.dictionary(
      word.filter((name) => name !== 'hostname'),
      value,
    );
    fc.assert(
      fc.property(all, (of) => {
        const usable = map(
          Object.fromEntries(Object.entries(of).filter(([, one]) => valueFault(one) === undefined)),
        );
        const back = parseAttributes(renderAttributes(usable));
        assert.deepEqual(back.faults, []);
        assert.ok(sameAttributes(back.attributes, usable));
      }),
    );
  });
});

const pools = map2({
  'prod-r1': { cidr: '192.0.2.0/24', nodes: { attributes: { rack: 'r1' } } },
  'prod-r2': { cidr: '198.51.100.0/24', nodes: { attributes: { rack: 'r2' } } },
  back: { cidr: '203.0.113.0/24' },
  idle: { cidr: '10.0.0.0/24' },
});
function map2(of: Record<string, object>) {
  return new Map(Object.entries(of).map(([name, raw]) => [name, readPool(name, raw)]));
}
const networks = new Map(
  Object.entries({ prod: ['prod-r1', 'prod-r2'], back: ['back'] }).map(([name, named]) => [
    name,
    readNetwork(name, { pools: named, default: '10mbit' }),
  ]),
);
const named = (attributes: object, others = {}) =>
  attributesOf({
    node: 'node-1',
    record: readNode('node-1', { link: '1500kbit', linkOut: '10gbit', attributes }),
    ...{ pools, networks, others: map(others) },
  });

describe('the attributes of a node', () => {
  it('are its pools, networks, uplink and those of its record', () => {
    const { attributes, faults } = named({ rack: 'r1' });
    assert.deepEqual(faults, []);
    assert.deepEqual(Object.fromEntries(attributes), {
      rack: 'r1',
      'corral.pool.prod-r1': 'yes',
      'corral.pool.back': 'yes',
      'corral.network.prod': 'yes',
      'corral.network.back': 'yes',
      'corral.in': '1.5',
      'corral.out': '10000',
    });
  });

  it('rest on attributes that only the agent has', () => {
    const { attributes } = named({}, { rack: 'r2' });
    assert.equal(attributes.get('corral.pool.prod-r2'), 'yes');
    assert.equal(attributes.has('rack'), false, 'it is the operator who wrote it');
  });

  it('leave out what would end the Mesos agent, and say so', () => {
    const { attributes, faults } = named({ rack: 'r1', note: 'two words', bad: '', 'a:b': 'x' });
    assert.deepEqual(
      [...attributes.keys()].filter((name) => !name.startsWith('corral.')),
      ['rack'],
    );
    assert.equal(faults.length, 3);
    assert.match(faults.join('\n'), /"note" is left out, its value "two words"/);
    assert.deepEqual(parseAttributes(renderAttributes(attributes)).faults, []);
  });
});

describe('changes of attributes', () => {
  for (const { says, now, wanted, are } of [
    { says: 'a new name is additive', now: {}, wanted: { a: '1' }, are: ['+a'] },
    { says: 'a wider range is additive', now: { a: '[1-5]' }, wanted: { a: '[0-9]' }, are: ['+a'] },
    {
      says: 'ranges that join are the same',
      now: { a: '[1-5,6-9]' },
      wanted: { a: '[1-9]' },
      are: [],
    },
    { says: 'a narrower range is not', now: { a: '[1-5]' }, wanted: { a: '[1-4]' }, are: ['-a'] },
    { says: 'another number is not', now: { a: '10' }, wanted: { a: '11' }, are: ['-a'] },
    {
      says: 'the same number written otherwise is none',
      now: { a: '1.50' },
      wanted: { a: '1.5' },
      are: [],
    },
    { says: 'another text is not', now: { a: 'x' }, wanted: { a: 'y' }, are: ['-a'] },
    { says: 'another type is not', now: { a: '1' }, wanted: { a: '[1-1]' }, are: ['-a'] },
    {
      says: 'what Corral wrote goes',
      now: { 'corral.pool.x': 'yes' },
      wanted: {},
      are: ['-corral.pool.x'],
    },
    { says: 'what others wrote stays', now: { zone: 'a' }, wanted: {}, are: [] },
  ])
    it(says, () => {
      const changes = attributeChanges(map(now), map(wanted));
      assert.deepEqual(
        changes.map(({ name, additive }) => `${additive ? '+' : '-'}${name}`),
        are,
      );
      const after = withChanges(map(now), changes);
      assert.deepEqual(attributeChanges(after, map(wanted)), []);
    });

  it('are written by themselves under additive only, and only those that it takes', () => {
    const [grow, change] = attributeChanges(map({ b: '1' }), map({ a: '1', b: '2' }));
    assert.ok(grow && change);
    assert.deepEqual([mayWrite('equal', grow), mayWrite('equal', change)], [false, false]);
    assert.deepEqual([mayWrite('additive', grow), mayWrite('additive', change)], [true, false]);
  });

  it('that are written keep every agent restartable: all it had is there, with the same type', () => {
    // what Mesos' src/slave/compatibility.cpp asks, written down once more
    const compatible = (
      old: ReadonlyMap<string, string>,
      next: ReadonlyMap<string, string>,
    ): boolean =>
      [...old].every(([name, value]) => {
        const to = next.get(name);
        if (to === undefined || typeOf(to) !== typeOf(value)) return false;
        if (typeOf(value) !== 'RANGES') return sameValue(value, to);
        const ports = (text: string): Set<number> =>
          new Set(
            text
              .slice(1, -1)
              .split(',')
              .flatMap((span) => {
                const [from = 0, end = 0] = span.split('-').map(Number);
                return Array.from({ length: end - from + 1 }, (_, n) => from + n);
              }),
          );
        const wide = ports(to);
        return [...ports(value)].every((port) => wide.has(port));
      });
    const value = fc.constantFrom(
      '1',
      '2',
      'x',
      'y',
      '[1-2]',
      '[1-4]',
      '[1-2,4-5]',
      '[2-3]',
      '1.0',
    );
    const some = fc.dictionary(fc.constantFrom('a', 'b', 'corral.c', 'corral.d'), value);
    fc.assert(
      fc.property(some, some, (now, wanted) => {
        const changes = attributeChanges(map(now), map(wanted));
        const written = withChanges(
          map(now),
          changes.filter((change) => mayWrite('additive', change)),
        );
        assert.ok(compatible(map(now), written));
        for (const change of changes)
          if (!change.additive)
            assert.ok(!compatible(map(now), withChanges(map(now), [change])), change.says);
      }),
      { numRuns: runs(500) },
    );
  });
});
