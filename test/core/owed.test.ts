import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { spread, trim } from '../../src/core/owed.ts';

type Pairs = readonly (readonly [string, number])[];

describe('trim', () => {
  const places: Pairs = [
    ['node-1', 2],
    ['node-2', 1],
    ['node-3', 2],
  ];
  for (const { says, keep, landed = {}, gives } of [
    { says: 'keeps all while all are owed', keep: 5, gives: places },
    { says: 'keeps all when more is owed than was placed', keep: 9, gives: places },
    {
      says: 'gives up where leases landed',
      keep: 4,
      landed: { 'node-2': 1 },
      gives: [
        ['node-1', 2],
        ['node-3', 2],
      ],
    },
    {
      says: 'gives up no more at a place than landed there, then the last named',
      keep: 2,
      landed: { 'node-1': 1 },
      gives: [
        ['node-1', 1],
        ['node-2', 1],
      ],
    },
    {
      says: 'gives up no more than is no longer owed',
      keep: 4,
      landed: { 'node-1': 2, 'node-3': 2 },
      gives: [
        ['node-1', 1],
        ['node-2', 1],
        ['node-3', 2],
      ],
    },
    {
      says: 'takes leases that went for none that landed',
      keep: 4,
      landed: { 'node-1': -3 },
      gives: [
        ['node-1', 2],
        ['node-2', 1],
        ['node-3', 1],
      ],
    },
    { says: 'gives up all once nothing is owed', keep: 0, gives: [] },
    { says: 'takes fewer than none owed for none', keep: -2, gives: [] },
  ] as { says: string; keep: number; landed?: Record<string, number>; gives: Pairs }[]) {
    it(says, () => {
      const left = trim(new Map(places), keep, (place) => landed[place] ?? 0);
      assert.deepEqual([...left], gives);
    });
  }
});

describe('spread', () => {
  for (const { says, count, pools, gives } of [
    {
      says: 'takes what each has free, in order',
      count: 5,
      pools: [
        ['a', 3],
        ['b', 9],
      ],
      gives: [
        ['a', 3],
        ['b', 2],
      ],
    },
    {
      says: 'leaves the shortage on the first',
      count: 5,
      pools: [
        ['a', 1],
        ['b', 2],
      ],
      gives: [
        ['a', 3],
        ['b', 2],
      ],
    },
    {
      says: 'passes over pools that gave too much already',
      count: 2,
      pools: [
        ['a', -4],
        ['b', 2],
      ],
      gives: [['b', 2]],
    },
    { says: 'takes nothing where there is no pool', count: 2, pools: [], gives: [] },
    { says: 'takes nothing when nothing is missing', count: 0, pools: [['a', 1]], gives: [] },
  ] as { says: string; count: number; pools: Pairs; gives: Pairs }[]) {
    it(says, () => assert.deepEqual([...spread(count, pools)], gives));
  }
});
