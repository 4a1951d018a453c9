import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Burst, BURST_MS, type BurstInput, heldBack } from '../../src/core/fence-burst.ts';
import type { NodeRoom } from '../../src/core/room.ts';
import { constraintOf, nodeOf } from './twins/models.ts';

const NOW_MS = 1e9;

const burst = (of: Partial<Burst> = {}): Burst => ({
  ...{ app: '/a', id: 'x', instances: 7, constraints: [], sinceMs: NOW_MS },
  takes: { networks: ['prod'], inKbit: 1_000, outKbit: 1_000, cpus: 1, memMiB: 64 },
  ...of,
});

/** Two nodes of rack r1, which has a pool of its own, one of r2, and one that reaches no pool. */
const NODES: readonly NodeRoom[] = [
  ...['a', 'b'].map((name) =>
    nodeOf(name, { attributes: { rack: 'r1' }, pools: ['all', 'dev', 'r1'] }),
  ),
  nodeOf('c', { attributes: { rack: 'r2' }, pools: ['all', 'dev'] }),
  nodeOf('d', { pools: [] }),
];

interface Given {
  readonly bursts?: readonly Burst[];
  readonly nodes?: readonly NodeRoom[];
  /** Addresses by pool. */
  readonly left?: Readonly<Record<string, number>>;
  /** In stock on node a, of pool `all`. */
  readonly stock?: number;
  readonly over?: readonly string[];
  readonly nowMs?: number;
}

function look({ left = {}, stock = 0, over = [], nodes = NODES, ...of }: Given = {}) {
  const { bursts = [burst()], nowMs = NOW_MS } = of;
  const pool = (name: string, network: string) =>
    [name, { network, common: left[name] ?? 0, promised: 0 }] as const;
  const picture: BurstInput['picture'] = {
    nodes: new Map(nodes.map((node) => [node.name, node])),
    pools: new Map([pool('all', 'prod'), pool('r1', 'prod'), pool('dev', 'dev')]),
    sparesOf: (node) => new Map(node === 'a' ? [['all', stock]] : []),
  };
  return heldBack({ bursts, picture, over: new Set(over), nowMs });
}
const nodesOf = (given: Given): string[] => [...look(given).nodes.keys()].sort();

describe('instances that come back at once, and whose addresses rest', () => {
  for (const { says, given, gives } of [
    { says: 'are kept from every node that has addresses of ours', given: {}, gives: 'abc' },
    { says: 'whatever there is of another network', given: { left: { dev: 9 } }, gives: 'abc' },
    {
      says: 'from none once all but two have one',
      given: { left: { all: 2, r1: 1 }, stock: 2 },
      gives: '',
    },
    { says: 'not sooner', given: { left: { all: 2, r1: 1 }, stock: 1 }, gives: 'abc' },
    {
      says: 'only from nodes that their constraints let them go to',
      given: { bursts: [burst({ constraints: [constraintOf('rack', 'LIKE', 'r2')] })] },
      gives: 'c',
    },
    {
      says: 'and what only others reach is nothing to them',
      given: {
        bursts: [burst({ constraints: [constraintOf('rack', 'LIKE', 'r2')] })],
        left: { r1: 9 },
      },
      gives: 'c',
    },
    {
      says: 'while one of two networks has none',
      given: {
        bursts: [burst({ takes: { ...burst().takes, networks: ['dev', 'prod'] } })],
        left: { dev: 9 },
      },
      gives: 'abc',
    },
    {
      says: 'for as long as addresses rest',
      given: { nowMs: NOW_MS + BURST_MS - 1 },
      gives: 'abc',
    },
    { says: 'and no longer', given: { nowMs: NOW_MS + BURST_MS }, gives: '' },
    { says: 'not by a clock that was set back', given: { nowMs: NOW_MS - BURST_MS }, gives: '' },
    { says: 'not again once it was over', given: { over: ['x'] }, gives: '' },
    { says: 'again by another promise', given: { over: ['w'] }, gives: 'abc' },
    {
      says: 'not where they would take more nodes than one app may',
      given: { nodes: Array.from({ length: 65 }, (_, n) => nodeOf(`n${n}`, { pools: ['all'] })) },
      gives: '',
    },
  ])
    it(says, () => assert.equal(nodesOf(given).join(''), gives));

  it('open no door meanwhile', () => {
    assert.deepEqual([...look().apps], ['/a']);
    assert.deepEqual([...look({ left: { all: 7 } }).apps], []);
  });

  it('are remembered once they were let go, for as long as the promise stands', () => {
    const first = look({ left: { all: 7 } });
    assert.deepEqual([...first.over], ['x']);
    assert.deepEqual(look({ over: [...first.over] }).nodes.size, 0);
    assert.deepEqual([...look({ bursts: [], over: [...first.over] }).over], []);
  });

  it('say why', () =>
    assert.equal(
      look().nodes.get('a'),
      '7 instances of /a come back at once, and their addresses rest',
    ));
});
