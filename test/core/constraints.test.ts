import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scalarText } from '../../src/core/constraint-scalar.ts';
import { place } from '../../src/core/place.ts';
import type { PlacedInstance } from '../../src/core/room.ts';
import { clusterOf, constraintOf, nodeOf, webAsk } from './twins/models.ts';

const attributes = { rack: 'r1', size: '10', text: '4.0' };
const node = nodeOf('n1.example.org', { attributes, region: 'here', zone: 'z1' });
const bare = nodeOf('n2.example.org');

/** Which of the two nodes a constraint admits. */
const admitted = (...constraint: Parameters<typeof constraintOf>): string =>
  [node, bare]
    .filter(
      (one) =>
        place(clusterOf([one]), webAsk(1, { constraints: [constraintOf(...constraint)] })).fits,
    )
    .map(({ name }) => name.slice(0, 2))
    .join();

describe('constraints on the node alone', () => {
  for (const { says, on, gives } of [
    { says: 'LIKE matches the whole value', on: ['rack', 'LIKE', 'r'], gives: '' },
    { says: 'LIKE takes a pattern', on: ['rack', 'LIKE', 'r[12]'], gives: 'n1' },
    { says: 'LIKE refuses who lacks the field', on: ['rack', 'LIKE', '.*'], gives: 'n1' },
    { says: 'LIKE with an empty pattern refuses all', on: ['rack', 'LIKE', ''], gives: '' },
    { says: 'UNLIKE admits who lacks the field', on: ['rack', 'UNLIKE', 'r1'], gives: 'n2' },
    { says: 'UNLIKE admits other values', on: ['rack', 'UNLIKE', 'r2'], gives: 'n1,n2' },
    {
      says: 'UNLIKE with an empty pattern refuses who has it',
      on: ['rack', 'UNLIKE', ''],
      gives: 'n2',
    },
    {
      says: 'UNLIKE that cannot be judged admits only who lacks it',
      on: ['rack', 'UNLIKE', '(?=x)y'],
      gives: 'n2',
    },
    {
      says: 'LIKE that cannot be judged admits nobody',
      on: ['rack', 'LIKE', '(?=r)r1'],
      gives: '',
    },
    { says: 'IS compares text', on: ['rack', 'IS', 'r1'], gives: 'n1' },
    { says: 'IS writes numbers as scalars', on: ['size', 'IS', '10.0'], gives: 'n1' },
    {
      says: 'IS never equals a text that looks like a long number',
      on: ['text', 'IS', '4.0'],
      gives: '',
    },
    { says: 'IS without a value admits nobody here', on: ['rack', 'IS'], gives: '' },
    { says: 'CLUSTER with a value compares exactly', on: ['size', 'CLUSTER', '10.0'], gives: '' },
    { says: 'CLUSTER with a value takes it', on: ['size', 'CLUSTER', '10'], gives: 'n1' },
    {
      says: 'CLUSTER without one takes any that has the field',
      on: ['rack', 'CLUSTER'],
      gives: 'n1',
    },
    { says: 'UNIQUE refuses who lacks the field', on: ['rack', 'UNIQUE'], gives: 'n1' },
    {
      says: 'hostname is the node name',
      on: ['hostname', 'LIKE', String.raw`n1\.example\.org`],
      gives: 'n1',
    },
    { says: '@hostname is too', on: ['@hostname', 'CLUSTER', 'n2.example.org'], gives: 'n2' },
    { says: '@region is the region', on: ['@region', 'IS', 'here'], gives: 'n1' },
    { says: '@zone is the zone', on: ['@zone', 'IS', 'z1'], gives: 'n1' },
    { says: 'GROUP_BY without a number cannot be judged', on: ['rack', 'GROUP_BY'], gives: '' },
    { says: 'MAX_PER without a number cannot be judged', on: ['rack', 'MAX_PER', 'x'], gives: '' },
    { says: 'an inherited name is no attribute', on: ['constructor', 'LIKE', '.*'], gives: '' },
  ] as const)
    it(says, () => assert.equal(admitted(on[0], on[1], ...(on.length > 2 ? [on[2]] : [])), gives));
});

const rack = (name: string, value?: string) =>
  nodeOf(name, { attributes: value === undefined ? {} : { rack: value } });
const racks = clusterOf([rack('n1', 'a'), rack('n2', 'a'), rack('n3', 'b'), rack('n4')]);
const on = (node: string, value?: string, total?: number): PlacedInstance => ({
  node,
  attributes: value === undefined ? {} : { rack: value },
  ...(total === undefined ? {} : { total }),
});

/** How many of 8 instances fit. */
function most(
  constraint: Parameters<typeof constraintOf>,
  placed: readonly PlacedInstance[] = [],
): number {
  const outcome = place(racks, webAsk(8, { constraints: [constraintOf(...constraint)], placed }));
  return outcome.fits ? 8 : outcome.most;
}

describe('constraints that count instances', () => {
  for (const { says, constraint, placed = [], gives } of [
    { says: 'UNIQUE rack: one for each', constraint: ['rack', 'UNIQUE'], gives: 2 },
    {
      says: 'UNIQUE counts what is placed',
      constraint: ['rack', 'UNIQUE'],
      placed: [on('n9', 'a')],
      gives: 1,
    },
    { says: 'UNIQUE hostname: one for each node', constraint: ['hostname', 'UNIQUE'], gives: 4 },
    { says: 'MAX_PER rack', constraint: ['rack', 'MAX_PER', '3'], gives: 6 },
    {
      says: 'MAX_PER 0 lets one into an empty group',
      constraint: ['rack', 'MAX_PER', '0'],
      gives: 2,
    },
    {
      says: 'MAX_PER counts what is placed',
      constraint: ['rack', 'MAX_PER', '3'],
      placed: [on('n1', 'a'), on('n1', 'a')],
      gives: 4,
    },
    { says: 'CLUSTER keeps to one value', constraint: ['rack', 'CLUSTER'], gives: 8 },
    { says: 'CLUSTER keeps to one node', constraint: ['hostname', 'CLUSTER'], gives: 5 },
    {
      says: 'CLUSTER keeps to the value placed',
      constraint: ['rack', 'CLUSTER'],
      placed: [on('n9', 'b')],
      gives: 5,
    },
    {
      says: 'CLUSTER is stuck when the placed one lacks it',
      constraint: ['rack', 'CLUSTER'],
      placed: [on('n9')],
      gives: 0,
    },
    { says: 'GROUP_BY 2 halves', constraint: ['rack', 'GROUP_BY', '2'], gives: 8 },
    { says: 'GROUP_BY 3 needs three racks', constraint: ['rack', 'GROUP_BY', '3'], gives: 6 },
    { says: 'GROUP_BY 1 stays in one rack', constraint: ['rack', 'GROUP_BY', '1'], gives: 8 },
    { says: 'GROUP_BY inf is one for each', constraint: ['rack', 'GROUP_BY', 'inf'], gives: 2 },
    {
      says: 'GROUP_BY counts those without the field as a group',
      constraint: ['rack', 'GROUP_BY', '2'],
      placed: [on('n4')],
      gives: 5,
    },
    {
      says: 'GROUP_BY knows what of the remainder is used up',
      constraint: ['rack', 'GROUP_BY', '3'],
      placed: [on('n9', 'c', 7), on('n9', 'c', 7), on('n9', 'c', 7)],
      gives: 4,
    },
    {
      says: 'GROUP_BY takes the total from the first placed',
      constraint: ['rack', 'GROUP_BY', '2'],
      placed: [on('n1', 'a', 4)],
      gives: 3,
    },
  ] as const satisfies readonly {
    says: string;
    constraint: Parameters<typeof constraintOf>;
    placed?: readonly PlacedInstance[];
    gives: number;
  }[])
    it(says, () => assert.equal(most([...constraint], placed), gives));
});

describe('the region rule', () => {
  const room = { ...clusterOf([nodeOf('n1', { region: 'there' })]), homeRegion: 'here' };
  it('keeps apps in the master’s region', () => assert.ok(!place(room, webAsk(1)).fits));
  it('is lifted by a @region constraint', () => {
    const constraints = [constraintOf('@region', 'IS', 'there')];
    assert.ok(place(room, webAsk(1, { constraints })).fits);
  });
  it('is lifted by a @zone constraint that says nothing of the region', () => {
    assert.ok(place(room, webAsk(1, { constraints: [constraintOf('@zone', 'UNLIKE', 'z')] })).fits);
  });
});

describe('scalarText', () => {
  for (const [value, text] of [
    [4, '4'],
    [0.0625, '0.062'],
    [0.1875, '0.188'],
    [0.125, '0.125'],
    [1.0005, '1'],
    [1.0015, '1.002'],
    [-0.0004, '-0'],
    [-2.5, '-2.5'],
    [0, '0'],
    [1e21, '1000000000000000000000'],
    [123456789.9996, '123456790'],
    [5e-324, '0'],
  ] as const)
    it(`writes ${value} as ${text}`, () => assert.equal(scalarText(value), text));
});
