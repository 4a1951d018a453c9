import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FailureRecord } from '../../src/core/failure-record.ts';
import type { PendingLaunch } from '../../src/core/fence-demand.ts';
import { BURST_MS, type HeldBack } from '../../src/core/fence-burst.ts';
import type { FenceRoom } from '../../src/core/fence-room.ts';
import { type FenceRules, type RoomSince, wantFence } from '../../src/core/fence-want.ts';
import type { NodeRoom } from '../../src/core/room.ts';

const RULES: FenceRules = {
  ...{ margin: 5, reopenExtra: 0, reopenAfterMs: 30_000, patienceMs: 10_000 },
  ...{ netInBelowKbit: 1_000, netOutBelowKbit: 1_000 },
};

interface Given {
  readonly addresses?: number;
  readonly have?: number;
  readonly net?: readonly [number, number];
}

const roomOf = ({ addresses = 9, have = addresses, net = [1e6, 1e6] }: Given): FenceRoom => ({
  networks: new Map([['prod', { have, room: addresses }]]),
  ...{ network: 'prod', addresses, netInKbit: net[0], netOutKbit: net[1] },
});
const nodeOf = (name: string): NodeRoom => ({
  ...{ name, attributes: {}, offered: true, cpus: 3, memMiB: 512, diskMiB: 0, gpus: 0, ports: [] },
  ...{ netInKbit: 0, netOutKbit: 0, pools: ['p'] },
});

interface Look {
  readonly nodes: Readonly<Record<string, Given>>;
  readonly closed?: readonly string[];
  readonly pending?: readonly PendingLaunch[];
  readonly failures?: readonly FailureRecord[];
  readonly heldBack?: Pick<HeldBack, 'nodes' | 'apps'>;
  readonly rules?: Partial<FenceRules>;
  readonly since?: RoomSince;
  readonly nowMs?: number;
}

const look = ({ nodes, closed = [], rules, since = new Map(), nowMs = 0, ...rest }: Look) =>
  wantFence({
    nodes: new Map(Object.keys(nodes).map((name) => [name, nodeOf(name)])),
    rooms: new Map(Object.entries(nodes).map(([name, given]) => [name, roomOf(given)])),
    closed: new Set(closed),
    rules: { ...RULES, ...rules },
    heldOn: () => new Map(),
    ...{ pending: [], failures: [], heldBack: { nodes: new Map(), apps: new Set() } },
    ...{ ...rest, since, nowMs },
  });
const closedBy = (given: Look): string[] =>
  [...look(given).wants].flatMap(([name, { closed }]) => (closed ? [name] : [])).sort();
type Waits = Partial<Omit<PendingLaunch, 'takes'> & PendingLaunch['takes']>;
const waiting = ({ networks = ['prod'], cpus = 1, memMiB = 64, ...of }: Waits): PendingLaunch => ({
  ...{ app: '/a', instances: 1, sinceMs: 0, nodes: [], constraints: [], ...of },
  takes: { networks, inKbit: 1_000, outKbit: 1_000, cpus, memMiB },
});

describe('a node is closed', () => {
  for (const { says, given, rules, why } of [
    { says: 'not while it has the margin', given: { addresses: 5 } },
    {
      says: 'with less than the margin',
      given: { addresses: 4 },
      why: '4 addresses left on network prod, fewer than 5',
    },
    {
      says: 'with none, whatever the margin',
      given: { addresses: 0 },
      rules: { margin: 0 },
      why: 'no addresses left on network prod',
    },
    { says: 'not with one, without a margin', given: { addresses: 1 }, rules: { margin: 0 } },
    {
      says: 'when its link is full towards containers',
      given: { net: [0, 1e6] as const },
      why: 'nothing left of net_in, less than 1 Mbit/s',
    },
    {
      says: 'when its link is nearly full from containers',
      given: { net: [1e6, 999] as const },
      why: '999 kbit/s left of net_out, less than 1 Mbit/s',
    },
  ])
    it(says, () => {
      const want = look({ nodes: { n: given }, ...(rules && { rules }) }).wants.get('n');
      assert.equal(want?.closed ?? false, why !== undefined);
      assert.equal(want?.why, why);
    });

  it('with the figures of what it could still have run', () => {
    const want = look({ nodes: { n: { addresses: 2 } } }).wants.get('n');
    const figures = { addresses: 2, network: 'prod', netInKbit: 1e6, netOutKbit: 1e6 };
    assert.deepEqual(want?.figures, { ...figures, cpus: 3, memMiB: 512 });
  });
});

describe('a closed node opens', () => {
  const nodes = { n: { addresses: 9 } };
  const closed = ['n'];
  it('after it had room for a while without a break', () => {
    const first = look({ nodes, closed, nowMs: 1_000 });
    assert.match(first.wants.get('n')?.why ?? '', /opens in 30 s/);
    const second = look({ nodes, closed, since: first.since, nowMs: 30_999 });
    assert.equal(second.wants.get('n')?.closed, true);
    const third = look({ nodes, closed, since: second.since, nowMs: 31_000 });
    assert.equal(third.wants.get('n')?.closed, false);
  });

  it('later when the room was gone in between', () => {
    const { since } = look({ nodes, closed, nowMs: 0 });
    const gone = look({ nodes: { n: { addresses: 1 } }, closed, since, nowMs: 10_000 });
    const again = look({ nodes, closed, since: gone.since, nowMs: 31_000 });
    assert.equal(again.wants.get('n')?.closed, true);
  });

  it('no more than one wait late when the clock was set back', () => {
    const { since } = look({ nodes, closed, nowMs: 1e9 });
    const back = look({ nodes, closed, since, nowMs: 1_000 });
    const later = look({ nodes, closed, since: back.since, nowMs: 31_000 });
    assert.equal(later.wants.get('n')?.closed, false);
  });

  it('at once when it reaches no pool any more', () =>
    assert.equal(look({ nodes: {}, closed }).wants.get('n')?.closed, false));
});

describe('launches that wait open what they need', () => {
  const tight = { a: { addresses: 1 }, b: { addresses: 3 }, c: { addresses: 2 } };
  const closed = Object.keys(tight);
  for (const { says, given, gives } of [
    { says: 'nothing waits: all stay closed', given: {}, gives: ['a', 'b', 'c'] },
    {
      says: 'one waits and no node is roomy: the roomiest door opens',
      given: { pending: [waiting({})] },
      gives: ['a', 'c'],
    },
    {
      says: 'as many doors as instances need',
      given: { pending: [waiting({ instances: 4 })] },
      gives: ['a'],
    },
    {
      says: 'a roomy node may take them first',
      given: { nodes: { ...tight, r: {} }, pending: [waiting({})] },
      gives: ['a', 'b', 'c'],
    },
    {
      says: 'but not for ever',
      given: { nodes: { ...tight, r: {} }, pending: [waiting({})], nowMs: 10_000 },
      gives: ['a', 'c'],
    },
    {
      says: 'in the end every door that has an address opens',
      given: {
        nodes: { ...tight, r: {}, e: { addresses: 0 } },
        pending: [waiting({})],
        nowMs: 30_000,
      },
      gives: ['e'],
    },
    {
      says: 'the node that was found at admission opens at once, beside roomy ones of others',
      given: { nodes: { ...tight, r: {} }, pending: [waiting({ nodes: ['a'] })] },
      gives: ['b', 'c'],
    },
    {
      says: 'not while a roomy one among those found may take the rest',
      given: { nodes: { ...tight, r: {} }, pending: [waiting({ nodes: ['a', 'r'] })] },
      gives: ['a', 'b', 'c'],
    },
    {
      says: 'an address promised elsewhere is the last resort',
      given: { nodes: { a: { addresses: 0, have: 2 } }, closed: ['a'], pending: [waiting({})] },
      gives: [],
    },
    {
      says: 'a network that it does not have opens no door',
      given: { pending: [waiting({ networks: ['dev'] })], nowMs: 1e9 },
      gives: ['a', 'b', 'c'],
    },
    {
      says: 'nor does a full link',
      given: {
        nodes: { a: { addresses: 3, net: [0, 9] as const } },
        closed: ['a'],
        pending: [waiting({})],
      },
      gives: ['a'],
    },
    {
      says: 'a node in its wait to reopen opens early',
      given: { nodes: { a: { addresses: 9 } }, closed: ['a'], pending: [waiting({})] },
      gives: [],
    },
  ])
    it(says, () => assert.deepEqual(closedBy({ nodes: tight, closed, ...given }), gives));

  it('and keep one that is open rather than opening another', () => {
    const given = { nodes: tight, closed: ['b', 'c'], pending: [waiting({})] };
    assert.deepEqual(closedBy(given), ['b', 'c']);
  });
});

describe('launches that need no address', () => {
  const empty = { a: { addresses: 0 }, b: { addresses: 0 }, c: { addresses: 0 } };
  const closed = Object.keys(empty);
  const plain = (of: Waits = {}) => [waiting({ networks: [], ...of })];
  for (const { says, given, gives } of [
    { says: 'open an empty node when all are closed', given: {}, gives: ['b', 'c'] },
    {
      says: 'as many as have the CPU for them',
      given: { pending: plain({ instances: 4 }) },
      gives: ['c'],
    },
    { says: 'none without the CPU', given: { pending: plain({ cpus: 9 }) }, gives: closed },
    { says: 'none without the memory', given: { pending: plain({ memMiB: 9e9 }) }, gives: closed },
    { says: 'none while another is open', given: { nodes: { ...empty, r: {} } }, gives: closed },
    {
      says: 'but not for ever',
      given: { nodes: { ...empty, r: {} }, nowMs: 10_000 },
      gives: ['b', 'c'],
    },
    {
      says: 'one whose link is full, too',
      given: { nodes: { a: { addresses: 9, net: [0, 0] as const } }, closed: ['a'] },
      gives: [],
    },
  ])
    it(says, () =>
      assert.deepEqual(closedBy({ nodes: empty, closed, pending: plain(), ...given }), gives),
    );
});

describe('while launches fail that wait', () => {
  const failure: FailureRecord = {
    ...{ v: 1, sinceMs: 0, atMs: 0, count: 1, times: [0], node: 'a', app: '/a' },
    ...{ network: 'prod', short: 'address', why: 'no address left' },
  };
  const given = { nodes: { a: {}, b: {}, c: { addresses: 1 } }, failures: [failure] };

  it('the node where they failed is closed, roomy or not', () => {
    const { wants } = look({ ...given, pending: [waiting({})] });
    assert.equal(wants.get('a')?.why, 'launches of /a fail for lack of room on a');
    assert.deepEqual(closedBy({ ...given, pending: [waiting({})] }), ['a']);
  });

  it('nobody waits for roomy nodes: the doors that have what they take open at once', () => {
    const other = { ...failure, node: 'b' };
    const pending = [waiting({ nodes: ['b'] })];
    const nodes = { b: {}, c: { addresses: 1 }, d: { addresses: 2 } };
    const shut = closedBy({ nodes, closed: ['c', 'd'], failures: [other], pending });
    assert.deepEqual(shut, ['b', 'c']);
  });

  it('no other launch opens it', () => {
    const plain = waiting({ app: '/b', networks: [], sinceMs: -1e9 });
    assert.ok(closedBy({ ...given, closed: ['a'], pending: [waiting({}), plain] }).includes('a'));
  });

  it('a node that only yields opens for whom it has room', () => {
    const long = { ...failure, atMs: -61_000, times: [-61_000, -61_000, -61_000, -61_000] };
    const nodes = { a: { addresses: 0, have: 0 } };
    const failures = [{ ...long, network: 'none' }];
    const stuck = waiting({ networks: ['none'] });
    const roomy = { nodes: { ...nodes, b: {} }, failures };
    assert.deepEqual(closedBy({ ...roomy, pending: [stuck] }), ['a', 'b']);
    const plain = waiting({ app: '/b', networks: [] });
    const other = waiting({ app: '/c' });
    for (const one of [plain, other])
      assert.ok(!closedBy({ ...roomy, closed: ['a', 'b'], pending: [stuck, one] }).includes('b'));
  });

  it('it opens when that is over, and has its wait behind it', () => {
    const first = look({ ...given, closed: ['a'], pending: [waiting({})], nowMs: 1_000 });
    const shut = closedBy({ ...given, closed: ['a'], since: first.since, nowMs: 31_000 });
    assert.deepEqual(shut, ['c']);
  });
});

describe('while launches are held back', () => {
  const heldBack = { nodes: new Map([['a', 'addresses of /a rest']]), apps: new Set(['/a']) };

  it('a node that has room is closed for them, and says why', () => {
    const { wants } = look({ nodes: { a: {}, b: {} }, heldBack });
    assert.deepEqual(closedBy({ nodes: { a: {}, b: {} }, heldBack }), ['a']);
    assert.equal(wants.get('a')?.why, 'addresses of /a rest');
  });

  it('they open no door, and others do once they have waited as long', () => {
    const nodes = { a: {}, b: { addresses: 1 } };
    const late = waiting({ sinceMs: -1e9 });
    const given = { nodes, closed: ['a', 'b'], heldBack, nowMs: BURST_MS };
    assert.deepEqual(closedBy({ ...given, pending: [late] }), ['a', 'b']);
    const other = (sinceMs: number) => waiting({ app: '/b', nodes: ['a'], sinceMs });
    assert.deepEqual(closedBy({ ...given, pending: [late, other(1)] }), ['a']);
    assert.deepEqual(closedBy({ ...given, pending: [late, other(0)] }), ['b']);
  });

  it('a node has its wait behind it: it opens as soon as that is over', () => {
    const given = { nodes: { a: {} }, closed: ['a'] };
    const { since } = look({ ...given, heldBack, nowMs: 1_000 });
    assert.deepEqual(closedBy({ ...given, since, nowMs: 1_500 }), []);
  });

  it('but one that had no room waits like any other', () => {
    const given = { nodes: { a: { addresses: 1 } }, closed: ['a'] };
    const { since } = look({ ...given, heldBack, nowMs: 1_000 });
    const back = { nodes: { a: {} }, closed: ['a'] };
    assert.deepEqual(closedBy({ ...back, since, nowMs: 1_500 }), ['a']);
  });
});

describe('whatever the figures', () => {
  const figure = fc.record({
    addresses: fc.nat({ max: 8 }),
    more: fc.nat({ max: 2 }),
    isClosed: fc.boolean(),
  });
  const cluster = fc.array(figure, { minLength: 1, maxLength: 12 });

  it('any launch that waits long enough finds every address behind an open door', () => {
    fc.assert(
      fc.property(cluster, fc.nat({ max: 4 }), (figures, instances) => {
        const nodes = Object.fromEntries(
          figures.map(({ addresses, more }, n) => [`n${n}`, { addresses, have: addresses + more }]),
        );
        const closed = figures.flatMap(({ isClosed }, n) => (isClosed ? [`n${n}`] : []));
        const pending = [waiting({ instances: instances + 1 })];
        const shut = new Set(closedBy({ nodes, closed, pending, nowMs: 10_000 * 20 }));
        for (const [name, { have }] of Object.entries(nodes))
          assert.equal(shut.has(name), have === 0);
      }),
    );
  });

  it('nothing empty is open, and nothing roomy stays closed', () => {
    fc.assert(
      fc.property(cluster, (figures) => {
        const nodes = Object.fromEntries(
          figures.map(({ addresses }, n) => [`n${n}`, { addresses }]),
        );
        const closed = figures.flatMap(({ isClosed }, n) => (isClosed ? [`n${n}`] : []));
        const { since } = look({ nodes, closed });
        const shut = new Set(closedBy({ nodes, closed, since, nowMs: RULES.reopenAfterMs }));
        figures.forEach(({ addresses }, n) => assert.equal(shut.has(`n${n}`), addresses < 5));
      }),
    );
  });
});
