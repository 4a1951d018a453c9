import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admit, type Claim } from '../../src/core/admit.ts';
import type { Demand } from '../../src/core/demand.ts';
import type { NodeRoom, Room } from '../../src/core/room.ts';
import { clusterOf, constraintOf, nodeOf, webAsk } from './twins/models.ts';

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

describe('what an app that may wait gets', () => {
  const racks = (...free: readonly number[]): Room =>
    clusterOf(
      free.map((_, n) => nodeOf(`n${n}`, { attributes: { rack: `r${n}` }, pools: [`p${n}`] })),
      Object.fromEntries(free.map((left, n) => [`p${n}`, left])),
    );
  for (const { says, free, constraint, gives } of [
    { says: 'all that fits', free: [2, 2, 0], gives: 4 },
    { says: 'nothing where nothing fits', free: [0, 0, 0], gives: 0 },
    // of seven each rack may have two; of four or three it may have one, and two racks have no four
    { says: 'as many as GROUP_BY spreads by themselves', free: [2, 2, 0], constraint: 3, gives: 2 },
    { says: 'also of an uneven count', free: [3, 2, 2], constraint: 3, gives: 7 },
    { says: 'and one where one rack is left', free: [5, 0, 0], constraint: 3, gives: 1 },
  ] satisfies readonly {
    says: string;
    free: readonly number[];
    constraint?: number;
    gives: number;
  }[])
    it(says, () => {
      const { demand } = webAsk(1);
      const groupBy = constraint !== undefined && constraintOf('rack', 'GROUP_BY', `${constraint}`);
      const claim = restart({
        ...{ kind: 'create', demand, instances: 7, peak: 7, heldOn: new Map(), mayHold: true },
        ...(groupBy && { constraints: [groupBy] }),
      });
      const verdict = admit(racks(...free), [claim], { reroute: false, maxConstraintLength: 100 });
      assert.ok(verdict.answer === (gives === 7 ? 'admit' : 'hold'), JSON.stringify(verdict));
      assert.deepEqual(
        verdict.grants.map(({ instances, target }) => [instances, target]),
        [[gives, gives]],
      );
    });
});
