import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { place } from '../../src/core/place.ts';
import { cluster, kindsOf } from '../bench/cluster.ts';
import { clusterOf, constraintOf, nodeOf, webAsk } from './twins/models.ts';

const most = (...args: Parameters<typeof place>): number => {
  const outcome = place(...args);
  return outcome.fits ? args[1].instances : outcome.most;
};

describe('place', () => {
  for (const { says, room, ask, gives } of [
    { says: 'nothing fits nowhere', room: clusterOf([]), ask: webAsk(0), gives: 0 },
    {
      says: 'adds thousandths up without drift',
      room: clusterOf([nodeOf('n1', { cpus: 0.3 })]),
      ask: webAsk(4, { cpus: 0.1 }),
      gives: 3,
    },
    {
      says: 'needs no pool without addresses',
      room: clusterOf([nodeOf('n1', { pools: [], cpus: 2 })], {}),
      ask: webAsk(3, { addresses: [] }),
      gives: 2,
    },
    {
      says: 'takes pools as shared, not as each node’s own',
      room: clusterOf([nodeOf('n1'), nodeOf('n2'), nodeOf('n3')], { a: 4 }),
      ask: webAsk(9),
      gives: 4,
    },
    {
      says: 'takes a pool overdrawn as empty',
      room: clusterOf([nodeOf('n1', { pools: ['a', 'b'] })], { a: -3, b: 2 }),
      ask: webAsk(3),
      gives: 2,
    },
    {
      says: 'takes one instance a node with a fixed port',
      room: clusterOf([nodeOf('n1'), nodeOf('n2'), nodeOf('n3', { ports: [[1, 2]] })]),
      ask: webAsk(3, { ports: { any: 0, fixed: [31_500] } }),
      gives: 2,
    },
    {
      says: 'counts chosen ports beside the fixed one',
      room: clusterOf([nodeOf('n1', { ports: [[1, 2]] }), nodeOf('n2', { ports: [[1, 3]] })]),
      ask: webAsk(2, { ports: { any: 2, fixed: [1] } }),
      gives: 1,
    },
  ])
    it(says, () => assert.equal(most(room, ask), gives));

  it('spreads instances over nodes and draws from the fullest pool', () => {
    const nodes = ['n1', 'n2', 'n3'].map((name) => nodeOf(name, { pools: ['a', 'b'] }));
    const outcome = place(clusterOf(nodes, { a: 5, b: 50 }), webAsk(4));
    assert.ok(outcome.fits);
    assert.deepEqual([...outcome.witness.nodes.values()], [2, 1, 1]);
    assert.deepEqual([...outcome.witness.pools], [['b', 4]]);
  });

  it('says the same each time', () => {
    const room = cluster({ nodes: 300, pools: 20, leases: 1000 });
    for (const ask of Object.values(kindsOf(room)))
      assert.deepEqual(place(room, ask), place(room, ask));
  });

  it('finds the last node of many', () => {
    const nodes = Array.from({ length: 6000 }, (_, i) =>
      nodeOf(`n${i}`, { cpus: i === 5999 ? 2 : 0 }),
    );
    assert.equal(most(clusterOf(nodes), webAsk(2)), 2);
  });

  it('holds two networks and a limit per rack together', () => {
    const room = cluster({ nodes: 2000, pools: 200, leases: 20_000 });
    const ask = { ...kindsOf(room)['two networks, MAX_PER rack'] } as ReturnType<typeof webAsk>;
    const outcome = place(room, ask);
    assert.ok(outcome.fits);
    const perRack = new Map<string, number>();
    for (const [name, count] of outcome.witness.nodes) {
      const rack = room.nodes.get(name)?.attributes['rack'] ?? '';
      perRack.set(rack, (perRack.get(rack) ?? 0) + count);
    }
    assert.ok(Math.max(...perRack.values()) <= 2);
    for (const [pool, count] of outcome.witness.pools)
      assert.ok(count <= (room.pools.get(pool)?.free ?? 0));
  });

  it('has no room for what asks for the impossible twice', () => {
    const constraints = [constraintOf('rack', 'IS', 'a'), constraintOf('rack', 'IS', 'b')];
    assert.equal(
      most(clusterOf([nodeOf('n1', { attributes: { rack: 'a' } })]), webAsk(1, { constraints })),
      0,
    );
  });
});
