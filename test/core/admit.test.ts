import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admit, type Claim } from '../../src/core/admit.ts';
import type { Demand } from '../../src/core/demand.ts';
import type { NodeRoom, Room } from '../../src/core/room.ts';

const node = (name: string): NodeRoom => ({
  ...{
    name,
    attributes: {},
    offered: true,
    cpus: 8,
    memMiB: 8_192,
    diskMiB: 0,
    gpus: 0,
    ports: [],
  },
  ...{ netInKbit: 1e6, netOutKbit: 1e6, pools: ['dev', 'prod'] },
});
const ROOM: Room = {
  nodes: new Map(['n1', 'n2'].map((name) => [name, node(name)])),
  pools: new Map([
    ['prod', { network: 'prod', free: 0 }],
    ['dev', { network: 'dev', free: 5 }],
  ]),
};
const on = (...networks: string[]): Demand => ({
  ...{ cpus: 0.1, memMiB: 32, diskMiB: 0, gpus: 0, ports: { any: 0, fixed: [] } },
  addresses: networks.map((network) => ({ network, netInKbit: 1_000, netOutKbit: 1_000 })),
});

/** Four instances on `prod`, of which new ones may only start as old ones end. */
const restart = (of: Partial<Claim>): Claim => ({
  ...{ app: '/a', kind: 'restart', constraints: [], instances: 4, peak: 4, placed: [] },
  ...{ before: on('prod'), demand: on('dev'), heldOn: new Map([['n1', 4]]) },
  ...{ mayHold: false, mayReroute: false },
  ...of,
});

describe('what is promised to an app whose instances are replaced', () => {
  for (const { says, claim, target } of [
    { says: 'all of its new addresses when its network is another', claim: {}, target: 8 },
    { says: 'so when it is one of two', claim: { demand: on('prod', 'dev') }, target: 8 },
    { says: 'as many as will run', claim: { instances: 1 }, target: 5 },
    { says: 'its peak on the same network', claim: { demand: on('prod') }, target: 4 },
    { says: 'and when it leaves one', claim: { before: on('prod', 'dev') }, target: 4 },
    {
      says: 'its peak when nothing is known of the old ones',
      claim: { before: undefined },
      target: 4,
    },
  ])
    it(says, () => {
      const verdict = admit(ROOM, [restart(claim as Partial<Claim>)], {
        ...{ reroute: false, maxConstraintLength: 100 },
      });
      assert.ok(verdict.answer === 'admit', JSON.stringify(verdict));
      assert.deepEqual(
        verdict.grants.map((grant) => grant.target),
        [target],
      );
    });

  it('and they must be there', () => {
    const verdict = admit(ROOM, [restart({ instances: 6 })], {
      ...{ reroute: false, maxConstraintLength: 100 },
    });
    assert.equal(verdict.answer, 'refuse');
  });
});
