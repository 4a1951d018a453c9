import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { comesLate } from '../../src/core/at-once.ts';
import type { Room } from '../../src/core/room.ts';
import { constraintOf, nodeOf, webAsk } from './twins/models.ts';

/** So many addresses are free, on two full nodes; a third reaches another pool of the network. */
const room = (free: number, elsewhere = 0): Room => ({
  nodes: new Map(
    [
      nodeOf('n1', { pools: ['p'], cpus: 0, netInKbit: 0 }),
      nodeOf('n2', { pools: ['p'], cpus: 0, netInKbit: 0 }),
      nodeOf('n3', { pools: ['q'] }),
    ].map((node) => [node.name, node]),
  ),
  pools: new Map([
    ['p', { network: 'prod', free }],
    ['q', { network: 'prod', free: elsewhere }],
  ]),
});

const placed = ['n1', 'n2'].map((node) => ({ node, attributes: {} }));

interface Row {
  readonly says: string;
  readonly instances: number;
  readonly free: number;
  readonly elsewhere?: number;
  readonly of?: Parameters<typeof webAsk>[1];
  readonly late: boolean;
}

describe('instances that are ended and started again at once come late', () => {
  const rows: readonly Row[] = [
    { says: 'when the pools are full', instances: 3, free: 0, late: true },
    { says: 'not when two of them are', instances: 2, free: 0, late: false },
    { says: 'not when all but two have an address', instances: 5, free: 3, late: false },
    { says: 'when all but three have', instances: 6, free: 3, late: true },
    { says: 'wherever there is one', instances: 6, free: 3, elsewhere: 1, late: false },
    {
      says: 'but not where they may not go',
      ...{ instances: 6, free: 3, elsewhere: 1, late: true },
      of: { constraints: [constraintOf('hostname', 'LIKE', 'n[12]')] },
    },
    {
      says: 'not for being where they are now',
      ...{ instances: 3, free: 3, elsewhere: 1, late: false },
      of: { constraints: [constraintOf('hostname', 'UNIQUE')], placed },
    },
    {
      says: 'not when they take no address',
      ...{ instances: 9, free: 0, late: false },
      of: { addresses: [] },
    },
  ];
  for (const { says, instances, free, elsewhere, of, late } of rows)
    it(says, () =>
      assert.equal(comesLate(room(free, elsewhere), webAsk(instances, of ?? {})), late),
    );
});
