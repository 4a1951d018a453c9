import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reroute } from '../../src/core/reroute.ts';
import type { Ask, Room } from '../../src/core/room.ts';
import { clusterOf, constraintOf, nodeOf, webAsk } from './twins/models.ts';

const full = { netOutKbit: 100_000 };
const steer = (room: Room, ask: Ask, maxLength = 2000) => {
  const steering = reroute(room, ask, { maxLength });
  return steering.do === 'inject'
    ? steering.constraints.map(({ field, operator, value }) => [field, operator, value])
    : steering.do;
};

const rack = (name: string) => ({ attributes: { rack: name, os: 'linux' } });
const many = (count: number, has = {}) =>
  Array.from({ length: count }, (_, i) =>
    nodeOf(`node-${i}.example.org`, i === 0 ? { ...has } : { ...has }),
  );

describe('reroute', () => {
  for (const { says, nodes, ask, gives, maxLength, free } of [
    {
      says: 'leaves alone what can go nowhere wrong',
      nodes: many(3, { cpus: 4 }),
      ask: webAsk(4),
      gives: 'nothing',
    },
    {
      says: 'excludes a node by its escaped name',
      nodes: [nodeOf('n1.example.org', full), nodeOf('n2.example.org'), nodeOf('n3.example.org')],
      ask: webAsk(2),
      gives: [['hostname', 'UNLIKE', String.raw`n1\.example\.org`]],
    },
    {
      says: 'prefers an attribute that tells them apart',
      nodes: [
        nodeOf('n1', { ...full, ...rack('r1') }),
        nodeOf('n2', rack('r2')),
        nodeOf('n3', rack('r3')),
      ],
      ask: webAsk(2),
      gives: [['rack', 'UNLIKE', 'r1']],
    },
    {
      says: 'includes when that is shorter',
      nodes: [nodeOf('a', rack('x')), nodeOf('n1', { ...full, ...rack('x') }), nodeOf('n2', full)],
      ask: webAsk(2),
      gives: [['hostname', 'LIKE', 'a']],
    },
    {
      says: 'limits instances per node when bandwidth is the limit',
      nodes: [nodeOf('n1', { netOutKbit: 400_000 }), nodeOf('n2', { netOutKbit: 400_000 })],
      ask: webAsk(4),
      gives: [['hostname', 'MAX_PER', '2']],
    },
    {
      says: 'needs no limit beside the app’s own UNIQUE',
      nodes: [nodeOf('n1', { netOutKbit: 200_000 }), nodeOf('n2'), nodeOf('n3', full)],
      ask: webAsk(2, { constraints: [constraintOf('hostname', 'UNIQUE')] }),
      gives: [['hostname', 'UNLIKE', 'n3']],
    },
    {
      says: 'keeps a small pool from being overrun',
      nodes: [nodeOf('n1'), nodeOf('n2'), nodeOf('n3', { pools: ['b'] })],
      ask: webAsk(3),
      free: { a: 1, b: 5 },
      gives: [['hostname', 'LIKE', 'n3']],
    },
    {
      says: 'leaves out a node of a pool that all of them together would overdraw',
      nodes: [
        ...['n1', 'n2', 'n3'].map((name) => nodeOf(name, { cpus: 1 })),
        nodeOf('n4', { pools: ['b'] }),
      ],
      ask: webAsk(4),
      free: { a: 2, b: 9 },
      gives: [['hostname', 'UNLIKE', 'n3']],
    },
    {
      says: 'names some good nodes when all would be too long',
      nodes: [
        ...many(40),
        ...Array.from({ length: 40 }, (_, i) => nodeOf(`full-${i}.example.org`, full)),
      ],
      ask: webAsk(5),
      maxLength: 60,
      gives: [['hostname', 'LIKE', String.raw`node-0\.example\.org`]],
    },
    {
      says: 'gives up when no constraint is short enough',
      nodes: [...many(2), nodeOf('full', full)],
      ask: webAsk(2),
      maxLength: 10,
      gives: 'give-up',
    },
  ] as {
    says: string;
    nodes: ReturnType<typeof nodeOf>[];
    ask: Ask;
    gives: unknown;
    maxLength?: number;
    free?: Record<string, number>;
  }[])
    it(says, () => assert.deepEqual(steer(clusterOf(nodes, free), ask, maxLength), gives));

  it('says how many nodes it leaves out and why', () => {
    const room = clusterOf([nodeOf('n1', full), nodeOf('n2'), nodeOf('n3')]);
    const steering = reroute(room, webAsk(2), { maxLength: 2000 });
    assert.ok(steering.do === 'inject');
    assert.equal(steering.excluded, 1);
    assert.equal(
      steering.why,
      'kept off 1 node for want of network room; 2 nodes left to choose from',
    );
  });

  it('asked again with what it added, adds nothing', () => {
    const room = clusterOf([nodeOf('n1', full), nodeOf('n2'), nodeOf('n3')]);
    const steering = reroute(room, webAsk(2), { maxLength: 2000 });
    assert.ok(steering.do === 'inject');
    assert.equal(steer(room, webAsk(2, { constraints: steering.constraints })), 'nothing');
  });
});
