import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createNode, type SimNode } from '../../src/sim/nodes.ts';
import { accepts, scalarText } from '../../src/sim/placement.ts';

const node = (
  name: string,
  attributes: Record<string, string | number> = {},
  zone?: string,
): SimNode =>
  createNode(
    {
      name,
      cpus: 1,
      mem: 1,
      disk: 1,
      attributes,
      ...(zone !== undefined && { region: 'here', zone }),
    },
    0,
    'm',
    0,
  );

const a = node('a.example.org', { rack: 'r1', level: 4 }, 'z1');
const b = node('b.example.org', { rack: 'r2', level: 5 }, 'z2');
const c = node('c.example.org', { rack: 'r1', level: 4 }, 'z1');
const bare = node('d.example.org');

const row = (
  constraint: string,
  on: SimNode,
  placed: readonly SimNode[],
  gives: boolean,
  instances = 1,
) => ({ constraint, on, placed, gives, instances });

describe('a constraint', () => {
  for (const { constraint, on, placed, gives, instances } of [
    row('hostname LIKE a.*', a, [], true),
    row('hostname LIKE a', a, [], false),
    row('@hostname LIKE a|a\\.example\\.org', a, [], true),
    row('hostname UNLIKE a.*', a, [], false),
    row('rack UNLIKE r1', b, [], true),
    row('rack UNLIKE r1', bare, [], true),
    row('rack LIKE r1', bare, [], false),
    row('rack UNLIKE ', a, [], false),
    row('level LIKE 4', a, [], true),
    row('level IS 4.0', a, [], true),
    row('level IS 5', a, [], false),
    row('rack IS r1', a, [], true),
    row('hostname UNIQUE', a, [], true),
    row('hostname UNIQUE', a, [a], false),
    row('rack UNIQUE', a, [c], false),
    row('rack UNIQUE', a, [b], true),
    row('rack UNIQUE', bare, [], false),
    row('rack CLUSTER', a, [], true),
    row('rack CLUSTER', a, [c, b], true),
    row('rack CLUSTER', b, [c], false),
    row('rack CLUSTER r2', a, [], false),
    row('rack CLUSTER r2', b, [a], true),
    row('rack MAX_PER 2', a, [c], true),
    row('rack MAX_PER 2', a, [a, c], false),
    row('rack MAX_PER 0', a, [], true),
    row('rack MAX_PER 0', a, [c], false),
    row('@zone GROUP_BY 2', a, [], true, 4),
    row('@zone GROUP_BY 2', a, [a], true, 4),
    row('@zone GROUP_BY 2', a, [a, c], false, 4),
    row('@zone GROUP_BY 2', a, [a, c], true, 5),
    row('@zone GROUP_BY 2', b, [a, c], true, 4),
    row('@zone GROUP_BY 1', b, [a], false, 4),
    row('@region LIKE here', a, [], true),
    row('@region LIKE here', bare, [], false),
  ])
    it(`${constraint} on ${on.name} beside ${placed.map(({ name }) => name[0]).join('') || 'none'} of ${instances} ${gives ? 'accepts' : 'refuses'}`, () => {
      const [field = '', operator = '', ...value] = constraint.split(' ');
      const asked = value.length > 0 ? { value: value.join(' ') } : {};
      assert.equal(accepts({ field, operator, ...asked }, { node: on, placed, instances }), gives);
    });

  it('with a hostile pattern is refused before it stops the cluster', () => {
    const long = node('a'.repeat(40));
    const evil = { field: 'hostname', operator: 'LIKE', value: '(a+)+b' };
    const start = performance.now();
    assert.equal(accepts(evil, { node: long, placed: [], instances: 1 }), false);
    assert(performance.now() - start < 5000, 'the pattern ran on');
  });
});

describe('a scalar reads', () => {
  for (const { value, text } of [
    { value: 4, text: '4' },
    { value: 100, text: '100' },
    { value: 0.0625, text: '0.062' },
    { value: 0.125, text: '0.125' },
    { value: 1.5, text: '1.5' },
    { value: -0.0004, text: '-0' },
    { value: 0.1875, text: '0.188' },
  ])
    it(`${value} as "${text}"`, () => assert.equal(scalarText(value), text));
});
