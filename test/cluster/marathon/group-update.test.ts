import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BadBody, BadId } from '../../../src/cluster/errors.ts';
import { checkedGroup } from '../../../src/cluster/marathon/body-check.ts';
import {
  afterGroupUpdate,
  effectivePath,
  groupChanges,
  groupWish,
  scaled,
} from '../../../src/cluster/marathon/group-update.ts';
import {
  allApps,
  allPods,
  emptyGroup,
  groupTree,
} from '../../../src/cluster/marathon/group-tree.ts';
import type { Group } from '../../../src/cluster/marathon/json.ts';

const context = { bridgeName: 'mesos-bridge', servicePorts: { from: 10_000, to: 20_000 } };
const app = (id: string, more: Group = {}): Group => ({ id, cmd: 'run', ...more });
const pod = (id: string): Group => ({ id, containers: [] });

/** /: a; /g: b, pod p; /g/h: c (2 instances), pod q */
const tree = groupTree({
  id: '/',
  apps: [app('/a')],
  groups: [
    {
      id: '/g',
      apps: [app('/g/b', { instances: 3 })],
      pods: [{ id: '/g/p', spec: pod('/g/p'), status: 'STABLE', instances: [] }],
      groups: [
        {
          id: '/g/h',
          apps: [app('/g/h/c', { instances: 2 })],
          pods: [{ id: '/g/h/q', spec: pod('/g/h/q') }],
        },
      ],
    },
  ],
});
const g = tree.groups.get('/g') ?? emptyGroup('/g');

const changesOf = (group: typeof tree, body: Group): readonly string[] =>
  groupChanges(group, afterGroupUpdate(group, checkedGroup(body), context), context).map(
    ({ id, before, after, restart }) =>
      `${before ? (after ? (restart ? 'restart' : 'scale') : 'delete') : 'create'} ${id}`,
  );

describe('a structural group update', () => {
  for (const { says, body, gives } of [
    { says: 'nothing in it changes nothing', body: {}, gives: [] },
    {
      says: 'trap 10: an empty list of apps deletes them',
      body: { apps: [] },
      gives: ['delete /g/b'],
    },
    {
      says: 'trap 10: an omitted child group vanishes with its pods',
      body: { groups: [] },
      gives: ['delete /g/h/c', 'delete /g/h/q'],
    },
    {
      says: 'trap 10: what is listed stays, the rest goes',
      body: { apps: [app('b', { instances: 3 }), app('n')] },
      gives: ['create /g/n'],
    },
    { says: 'apps are whole definitions', body: { apps: [app('b')] }, gives: ['scale /g/b'] },
    {
      says: 'a definition that differs restarts',
      body: { apps: [app('/g/b', { cmd: 'other' })] },
      gives: ['restart /g/b'],
    },
    {
      says: 'a child group is updated in place, keys that it leaves out are kept',
      body: { groups: [{ id: 'h' }] },
      gives: [],
    },
    {
      says: 'a child group is updated in place',
      body: { groups: [{ id: '/g/h', apps: [app('c', { instances: 5 })] }] },
      gives: ['scale /g/h/c'],
    },
    {
      says: 'a new child group is created',
      body: {
        groups: [
          { id: 'h' },
          { id: 'n', apps: [app('x')], groups: [{ id: 'm', apps: [app('y')] }] },
        ],
      },
      gives: ['create /g/n/x', 'create /g/n/m/y'],
    },
    { says: 'pods cannot be created here', body: { pods: [pod('/g/z')] }, gives: [] },
    {
      says: 'ids climb out and back',
      body: { apps: [app('../g/b', { instances: 3 })] },
      gives: [],
    },
    {
      says: 'relative dependencies are those of the group',
      body: { apps: [app('b', { instances: 3, dependencies: ['../a'] })] },
      gives: ['restart /g/b'],
    },
  ] as readonly { says: string; body: Group; gives: readonly string[] }[]) {
    it(says, () => assert.deepEqual(changesOf(g, body), gives));
  }

  it('keeps the pods of a group that stays', () => {
    const after = afterGroupUpdate(g, { apps: [] }, context);
    assert.deepEqual(
      [...allPods(after)].map(([id]) => id),
      ['/g/p', '/g/h/q'],
    );
  });

  for (const { says, body } of [
    { says: 'an app of another group', body: { apps: [app('/other/x')] } },
    { says: 'an app deeper down', body: { apps: [app('h/x')] } },
    { says: 'a child group without id', body: { groups: [{ apps: [] }] } },
    { says: 'a group that is no child', body: { groups: [{ id: '/g' }] } },
    { says: 'an app without id', body: { apps: [{ cmd: 'run' }] } },
    { says: 'trap 9: a nested scaleBy', body: { groups: [{ id: 'h', scaleBy: 2 }] } },
    { says: 'a version sent back', body: { apps: [], version: '2015-09-17T10:38:20.875Z' } },
    {
      says: 'a version sent back further down',
      body: { groups: [{ id: 'h', version: '2015-09-17T10:38:20.875Z' }] },
    },
    { says: 'an app of the wrong type', body: { apps: [app('b', { instances: '3' })] } },
  ] as readonly { says: string; body: Group }[]) {
    it(`refuses ${says}`, () => assert.throws(() => changesOf(g, body), BadBody));
  }
  it('refuses a hostile id', () =>
    assert.throws(() => changesOf(g, { apps: [app('a b')] }), BadId));
  it('names the place', () =>
    assert.throws(
      () => changesOf(tree, { groups: [{ id: 'g', apps: [app('b', { cpus: 'x' })] }] }),
      {
        message: 'the body is not valid at /groups(0)/apps(0)/cpus: must be a number',
      },
    ));
});

describe('which group is meant', () => {
  for (const [says, body, path, gives] of [
    ['trap 1: an absolute id in the body wins', { id: '/b' }, '/a', '/b'],
    ['a relative one is below the path', { id: 'b' }, '/a', '/a/b'],
    ['without id the path', {}, '/a', '/a'],
  ] as const) {
    it(says, () => assert.equal(effectivePath(body, path), gives));
  }
  const version = '2015-09-17T10:38:20.875Z';
  it('tells scaling, rollback and structure apart', () => {
    assert.deepEqual(groupWish({ scaleBy: 2 }), { wish: 'scale', by: 2 });
    assert.deepEqual(groupWish({ version }), { wish: 'rollback', version });
    assert.deepEqual(groupWish({ id: '/a', apps: [] }), { wish: 'structure' });
  });
  for (const body of [
    { scaleBy: 2, id: '/a' },
    { scaleBy: 2, version },
    { version, id: '/a' },
  ]) {
    it(`trap 9: ${JSON.stringify(body)} is refused`, () =>
      assert.throws(() => groupWish(body), BadBody));
  }
});

describe('scaleBy', () => {
  it('trap 9: goes down to every app, skips pods', () => {
    const after = afterGroupUpdate(tree, { scaleBy: 1.5 }, context);
    assert.deepEqual(
      [...allApps(after)].map(([id, { instances }]) => `${id} ${String(instances)}`),
      ['/a 2', '/g/b 5', '/g/h/c 3'],
    );
    assert.deepEqual([...allPods(after)], [...allPods(tree)]);
  });
  it('trap 9: zero stops all apps', () =>
    assert.deepEqual(changesOf(g, { scaleBy: 0 }), ['scale /g/b', 'scale /g/h/c']));
  for (const [instances, by, gives] of [
    [100, 1.1, 111],
    [100, 0.07, 8],
    [0, 50, 0],
    [3, 0.34, 2],
    [2_000_000_000, 2, 2_147_483_647],
  ] as const) {
    it(`trap 9: ${instances} by ${by} is ${gives}`, () =>
      assert.equal(scaled(instances, by), gives));
  }
  it('trap 9: never rounds down, and one leaves all as it is', () =>
    fc.assert(
      fc.property(fc.nat(10_000), fc.double({ min: 0, max: 100, noNaN: true }), (n, by) => {
        assert.ok(scaled(n, by) >= n * by);
        assert.ok(scaled(n, by) < n * by + 1 + 1e-6);
        assert.equal(scaled(n, 1), n);
      }),
    ));
});

describe('05-put-group-root-nested.json', () => {
  const sample = JSON.parse(
    readFileSync('test/fixtures/marathon/05-put-group-root-nested.json', 'utf8'),
  ) as Group;
  const strip = (group: Group): Group => {
    const { version: _version, groups, ...rest } = group;
    return { ...rest, groups: (groups as Group[]).map(strip) };
  };
  it('is refused with its versions', () =>
    assert.throws(() => afterGroupUpdate(emptyGroup('/'), checkedGroup(sample), context), BadBody));
  it('without them creates its three apps', () =>
    assert.deepEqual(changesOf(emptyGroup('/'), strip(sample)), [
      'create /tools/oauth-server',
      'create /tools/datadog-agent',
      'create /tools/docker/registry',
    ]));
  it('put twice changes nothing the second time', () => {
    const once = afterGroupUpdate(emptyGroup('/'), strip(sample), context);
    assert.deepEqual(changesOf(once, strip(sample)), []);
  });
});
