import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admit } from '../../src/core/admit.ts';
import { explain } from '../../src/core/explain.ts';
import { place } from '../../src/core/place.ts';
import type { Ask, Room } from '../../src/core/room.ts';
import { describe as tell } from '../../src/core/shortage-words.ts';
import { clusterOf, constraintOf, nodeOf, webAsk } from './twins/models.ts';

const some = (count: number, has: Parameters<typeof nodeOf>[1] = {}, from = 0) =>
  Array.from({ length: count }, (_, i) => nodeOf(`n${from + i + 1}`, has));

const nine = clusterOf(
  [...some(6, { pools: ['a', 'b'] }), ...some(3, { pools: ['a', 'b'], netOutKbit: 150_000 }, 6)],
  { a: 3, b: 1 },
);

const told = (room: Room, ask: Ask) => {
  const outcome = place(room, ask);
  assert.ok(!outcome.fits, 'it fits');
  return tell(outcome.shortage);
};

const racked = some(4, { attributes: { rack: 'r1' } });
const like = (value: string) => ({ constraints: [constraintOf('rack', 'LIKE', value)] });

describe('a shortage reads', () => {
  for (const { says, room, ask, reads } of [
    {
      says: 'addresses short, and bandwidth on some nodes',
      room: nine,
      ask: webAsk(6),
      reads:
        'cannot launch 6 instances of /shop/web on network prod: 4 addresses are free in 2 pools reachable by 9 nodes, 2 short; on 3 nodes net_out is exhausted (200 Mbit/s needed each); 4 of 6 fit',
    },
    {
      says: 'bandwidth short everywhere',
      room: clusterOf(some(2, { netInKbit: 50_000 })),
      ask: webAsk(2),
      reads:
        'cannot launch 2 instances of /shop/web on network prod: on 2 nodes net_in is exhausted (100 Mbit/s needed each, at most 50 Mbit/s left on a node)',
    },
    {
      says: 'cpus that run out',
      room: clusterOf(some(2, { cpus: 2 })),
      ask: webAsk(5, { addresses: [] }),
      reads:
        'cannot launch 5 instances of /shop/web: on 2 nodes cpus run out first (1 cpus needed each); the nodes hold 4, 1 short; 4 of 5 fit',
    },
    {
      says: 'a port that is taken',
      room: clusterOf(some(2)),
      ask: webAsk(1, { ports: { any: 0, fixed: [8080] } }),
      reads:
        'cannot launch 1 instance of /shop/web on network prod: on 2 nodes ports are exhausted (port 8080 needed each)',
    },
    {
      says: 'a constraint that leaves no node',
      room: clusterOf(racked),
      ask: webAsk(1, like('r2')),
      reads:
        'cannot launch 1 instance of /shop/web on network prod: ["rack","LIKE","r2"] excludes 4 nodes; no node is left',
    },
    {
      says: 'a constraint that leaves too few',
      room: clusterOf(racked),
      ask: webAsk(5, { constraints: [constraintOf('hostname', 'UNIQUE')] }),
      reads:
        'cannot launch 5 instances of /shop/web on network prod: ["hostname","UNIQUE"] leaves room for 4, 1 short; 4 of 5 fit',
    },
    {
      says: 'a pattern that cannot be judged',
      room: clusterOf(racked),
      ask: webAsk(1, like('(?=r)r1')),
      reads:
        'cannot launch 1 instance of /shop/web on network prod: ["rack","LIKE","(?=r)r1"] cannot be judged (only Java reads "(?=r)r1" (character 1) the way it is meant), so 4 nodes cannot count; no node is left',
    },
    {
      says: 'nodes that get no offers',
      room: clusterOf([...some(1, { cpus: 0.5 }), ...some(2, { offered: false }, 1)]),
      ask: webAsk(1),
      reads:
        'cannot launch 1 instance of /shop/web on network prod: on 1 node cpus are exhausted (1 cpus needed each, at most 0.5 cpus left on a node); 2 nodes are not offered',
    },
    {
      says: 'no node at all',
      room: clusterOf([]),
      ask: webAsk(2),
      reads: 'cannot launch 2 instances of /shop/web on network prod: no node is known',
    },
    {
      says: 'a network that no node reaches',
      room: clusterOf(some(2, { pools: [] })),
      ask: webAsk(2),
      reads:
        'cannot launch 2 instances of /shop/web on network prod: none of the nodes that could run it reaches a pool',
    },
    {
      says: 'addresses where the nodes have no room',
      room: clusterOf([nodeOf('n1'), nodeOf('n2', { pools: ['b'], cpus: 1 })], { a: 1, b: 9 }),
      ask: webAsk(4),
      reads:
        'cannot launch 4 instances of /shop/web on network prod: 10 addresses are free in 2 pools reachable by 2 nodes, but only 2 of them where nodes have room, 2 short; 2 of 4 fit',
    },
  ])
    it(says, () => assert.equal(told(room, ask).message, reads));

  it('with the way out', () => {
    assert.equal(
      told(nine, webAsk(6)).remedy,
      'add addresses to a pool of network prod that these nodes reach, or ask for at most 4',
    );
  });
});

describe('explain', () => {
  it('tells for each node how many fit and what runs out first', () => {
    const room = clusterOf(
      [
        nodeOf('n1', { netOutKbit: 150_000 }),
        nodeOf('n2', { cpus: 2.5 }),
        nodeOf('n3'),
        nodeOf('n4', { offered: false }),
        nodeOf('n5', { pools: [] }),
        nodeOf('n6', { attributes: { rack: 'x' } }),
      ],
      { a: 3 },
    );
    assert.deepEqual(
      explain(room, webAsk(3, { constraints: [constraintOf('rack', 'UNLIKE', 'x')] })),
      [
        { node: 'n3', fits: 3 },
        { node: 'n2', fits: 2, short: 'cpus: 2.5 cpus free, 1 cpus needed each' },
        { node: 'n1', fits: 0, short: 'net_out: 150 Mbit/s free, 200 Mbit/s needed each' },
        { node: 'n4', fits: 0, short: 'not offered by Mesos' },
        { node: 'n5', fits: 0, short: 'address: reaches no pool of network prod' },
        { node: 'n6', fits: 0, short: 'refused by ["rack","UNLIKE","x"]' },
      ],
    );
  });

  it('a refusal tells of the best nodes up to a bound, and how many more there are', () => {
    const room = clusterOf([...some(3, { netOutKbit: 150_000 }), nodeOf('best')], { a: 1 });
    const claim = { ...webAsk(4), kind: 'create', peak: 4, heldOn: new Map() } as const;
    const rest = { mayHold: false, mayReroute: true };
    const options = { reroute: true, maxConstraintLength: 2_000 };
    const told = (mostNodes: number) => {
      const verdict = admit(room, [{ ...claim, ...rest }], { ...options, mostNodes });
      assert(verdict.answer === 'refuse');
      return [verdict.nodes.map(({ node }) => node), verdict.moreNodes];
    };
    assert.deepEqual(told(2), [['best', 'n1'], 2]);
    assert.deepEqual(told(9), [['best', 'n1', 'n2', 'n3'], 0]);
  });
});
