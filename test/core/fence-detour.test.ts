import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PendingLaunch } from '../../src/core/fence-demand.ts';
import {
  DETOUR_MS,
  detoursOf,
  MOST_DETOURED,
  STUBBORN,
  STUBBORN_MS,
} from '../../src/core/fence-detour.ts';
import type { FailureRecord } from '../../src/core/failure-record.ts';
import type { FenceRoom } from '../../src/core/fence-room.ts';
import type { NodeRoom } from '../../src/core/room.ts';
import { constraintOf } from './twins/models.ts';

const NOW_MS = 1e9;

/** Addresses of two networks, bandwidth each way in Mbit/s, and CPUs. */
interface Given {
  readonly prod?: number;
  readonly dev?: number;
  readonly mbit?: number;
  readonly cpus?: number;
  readonly offered?: boolean;
  readonly fenced?: boolean;
}

const roomOf = ({ prod = 0, dev = 0, mbit = 100 }: Given): FenceRoom => ({
  networks: new Map([
    ['prod', { have: prod, room: prod }],
    ['dev', { have: dev, room: dev }],
  ]),
  ...{ network: prod >= dev ? 'prod' : 'dev', addresses: Math.max(prod, dev) },
  ...{ netInKbit: mbit * 1_000, netOutKbit: mbit * 1_000 },
});

const nodeOf = (name: string, { cpus = 4, offered = true, fenced }: Given): NodeRoom => ({
  ...{ name, attributes: {}, offered, cpus, memMiB: 4_096, diskMiB: 0, gpus: 0, ports: [] },
  ...{ netInKbit: 0, netOutKbit: 0, pools: ['p'], ...(fenced && { isFenced: true as const }) },
});

const launch = (of: Partial<PendingLaunch> = {}): PendingLaunch => ({
  ...{ app: '/a', instances: 1, sinceMs: 0, nodes: [], constraints: [] },
  takes: { networks: ['prod'], inKbit: 1_000, outKbit: 1_000, cpus: 1, memMiB: 64 },
  ...of,
});

const failure = (node: string, of: Partial<FailureRecord> = {}): FailureRecord => ({
  ...{ v: 1, sinceMs: NOW_MS, atMs: NOW_MS, count: 1, times: [NOW_MS], node, app: '/a' },
  ...{ network: 'prod', short: 'address', why: 'no address left', ...of },
});

interface Look {
  readonly nodes: Readonly<Record<string, Given>>;
  readonly pending?: readonly PendingLaunch[];
  readonly failures?: readonly FailureRecord[];
  /** Instances of the app, by node. */
  readonly held?: Readonly<Record<string, number>>;
}

const look = ({ nodes, pending = [launch()], failures = [failure('empty')], held = {} }: Look) =>
  detoursOf({
    pending,
    failures,
    nodes: new Map(Object.entries(nodes).map(([name, given]) => [name, nodeOf(name, given)])),
    rooms: new Map(Object.entries(nodes).map(([name, given]) => [name, roomOf(given)])),
    heldOn: () => new Map(Object.entries(held)),
    nowMs: NOW_MS,
  });
const wrongIn = (given: Look): string[] => [...look(given).wrong.keys()].sort();

/** Two racks that share a network: one has no address of the other left. */
const NODES = { empty: { dev: 9 }, same: { dev: 9 }, right: { prod: 1, dev: 9 } };

describe('nodes that launches must not try again', () => {
  for (const { says, given, gives } of [
    { says: 'where it failed, and where it would', given: {}, gives: ['empty', 'same'] },
    { says: 'none while nothing failed', given: { failures: [] }, gives: [] },
    { says: 'none once nothing waits', given: { pending: [] }, gives: [] },
    {
      says: 'none for what failed long ago',
      given: { failures: [failure('empty', { atMs: NOW_MS - DETOUR_MS })] },
      gives: [],
    },
    {
      says: 'none for what another app failed at',
      given: { failures: [failure('empty', { app: '/b' })] },
      gives: [],
    },
    {
      says: 'for what nobody can name, all that wait for its network',
      given: { failures: [{ ...failure('empty'), app: undefined } as unknown as FailureRecord] },
      gives: ['empty', 'same'],
    },
    {
      says: 'and nobody who waits for another',
      given: {
        failures: [
          { ...failure('empty'), app: undefined, network: 'dev' } as unknown as FailureRecord,
        ],
      },
      gives: [],
    },
    {
      says: 'the node where it failed although the ledger sees room there',
      given: { failures: [failure('right')], nodes: { ...NODES, other: { prod: 1 } } },
      gives: ['empty', 'right', 'same'],
    },
    {
      says: 'none when no node is left that has it: the brake sees to that',
      given: { nodes: { empty: { dev: 9 }, same: { dev: 9 } } },
      gives: [],
    },
    {
      says: 'nor when the only one is in other hands',
      given: { nodes: { ...NODES, right: { prod: 1, offered: false } } },
      gives: [],
    },
    {
      says: 'one behind our own fence is left',
      given: { nodes: { ...NODES, right: { prod: 1, offered: false, fenced: true } } },
      gives: ['empty', 'same'],
    },
    {
      says: 'none when the only one has no CPU left',
      given: { nodes: { ...NODES, right: { prod: 1, cpus: 0.5 } } },
      gives: [],
    },
    {
      says: 'none when its constraints keep it from the only one',
      given: { pending: [launch({ constraints: [constraintOf('hostname', 'UNLIKE', 'right')] })] },
      gives: [],
    },
    {
      says: 'none when the only one has as many of its instances as its constraints allow',
      given: {
        pending: [launch({ constraints: [constraintOf('hostname', 'UNIQUE')] })],
        held: { right: 1 },
      },
      gives: [],
    },
    {
      says: 'those that its constraints let it go to, and all others that have it not',
      given: { pending: [launch({ constraints: [constraintOf('hostname', 'MAX_PER', '2')] })] },
      gives: ['empty', 'same'],
    },
    {
      says: 'those whose link is too full',
      given: { nodes: { ...NODES, slow: { prod: 3, mbit: 0.5 } } },
      gives: ['empty', 'same', 'slow'],
    },
  ] satisfies readonly { says: string; given: Partial<Look>; gives: readonly string[] }[])
    it(says, () => assert.deepEqual(wrongIn({ nodes: NODES, ...given }), gives));

  it('are told with their reason', () => {
    const { wrong, failing } = look({ nodes: NODES });
    const why = 'launches of /a fail for lack of room on empty';
    assert.deepEqual(wrong.get('same'), { why, yields: false });
    assert.deepEqual([...failing], ['/a']);
  });

  describe('when no node is left and nobody stops it', () => {
    const nodes = { empty: { dev: 9 }, same: { dev: 9 } };
    const often = (atMs: number, count = STUBBORN) => [
      failure('empty', { atMs, count, times: Array.from({ length: count }, () => atMs) }),
    ];

    it('are all that have it not', () => {
      const { wrong } = look({ nodes, failures: often(NOW_MS) });
      assert.deepEqual([...wrong.keys()].sort(), ['empty', 'same']);
      assert.equal(wrong.get('same')?.yields, false);
    });

    it('yield to others after a minute', () => {
      const { wrong, failing } = look({ nodes, failures: often(NOW_MS - DETOUR_MS) });
      assert.deepEqual([...wrong.keys()].sort(), ['empty', 'same']);
      assert.equal(wrong.get('same')?.yields, true);
      assert.deepEqual([...failing], []);
    });

    it('are none after ten', () =>
      assert.deepEqual(wrongIn({ nodes, failures: often(NOW_MS - STUBBORN_MS) }), []));

    it('are none while the brake may still hold it', () =>
      assert.deepEqual(wrongIn({ nodes, failures: often(NOW_MS, STUBBORN - 1) }), []));

    it('are none once a node has it', () => {
      const right = { ...nodes, right: { prod: 1 } };
      assert.deepEqual(wrongIn({ nodes: right, failures: often(NOW_MS - DETOUR_MS) }), []);
    });
  });

  it('are so many at most, and those where it failed come first', () => {
    const many = Object.fromEntries(
      Array.from({ length: 2 * MOST_DETOURED }, (_, n) => [`a${n}`, { dev: 1 }]),
    );
    const wrong = wrongIn({ nodes: { ...many, empty: { dev: 1 }, right: { prod: 1 } } });
    assert.equal(wrong.length, MOST_DETOURED);
    assert.ok(wrong.includes('empty'));
  });

  it('always leave a node that has what waits', () => {
    const given = fc.record({ prod: fc.nat({ max: 1 }), dev: fc.nat({ max: 1 }) });
    fc.assert(
      fc.property(fc.array(given, { maxLength: 6 }), fc.nat({ max: 5 }), (some, at) => {
        const nodes = Object.fromEntries(some.map((one, n) => [`n${n}`, one]));
        const wrong = new Set(wrongIn({ nodes, failures: [failure(`n${at}`)] }));
        const left = Object.entries(nodes).filter(([name]) => !wrong.has(name));
        assert.ok(wrong.size === 0 || left.some(([, { prod }]) => prod > 0));
      }),
    );
  });
});
