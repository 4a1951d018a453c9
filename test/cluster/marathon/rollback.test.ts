import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BadBody, OriginalUnknown } from '../../../src/cluster/errors.ts';
import {
  afterImage,
  type Asking,
  lookUpAfterImage,
  readsFor,
} from '../../../src/cluster/marathon/after-image.ts';
import type { AfterImage } from '../../../src/cluster/marathon/change.ts';
import { appOfTask } from '../../../src/cluster/marathon/image-of-kill.ts';
import type { Json, JsonObject } from '../../../src/cluster/marathon/json.ts';
import { type MarathonRead, readKey } from '../../../src/cluster/marathon/reads.ts';
import { versionBefore } from '../../../src/cluster/marathon/rollback.ts';
import { recognise } from '../../../src/cluster/marathon/routes.ts';

const context = { bridgeName: 'mesos-bridge', servicePorts: { from: 10_000, to: 20_000 } };
const v1 = '2020-01-01T00:00:00.000Z';
const v2 = '2020-01-02T00:00:00.000Z';
const v3 = '2020-01-03T00:00:00.000Z';

const task = (n: number, host = 'n1.example.org') => ({
  id: `a.instance-${n}._app.1`,
  appId: '/a',
  host,
  state: 'TASK_RUNNING',
});
const a = {
  id: '/a',
  cmd: 'run',
  instances: 2,
  tasks: [task(1), task(2), task(3, 'n2.example.org')],
};
const old = { id: '/a', cmd: 'old', instances: 7 };
const p = { id: '/p', containers: [], scaling: { kind: 'fixed', instances: 4 } };

/** All that this Marathon knows. */
const known: readonly (readonly [MarathonRead, Json])[] = [
  [{ what: 'app', id: '/a' }, a],
  [{ what: 'app-version', id: '/a', version: v1 }, old],
  [{ what: 'pod', id: '/p' }, p],
  [
    { what: 'group', id: '/' },
    { id: '/', apps: [a], pods: [{ id: '/p', spec: p }], groups: [{ id: '/g', apps: [] }] },
  ],
  [
    { what: 'group', id: '/g' },
    { id: '/g', apps: [] },
  ],
  [{ what: 'group-versions', id: '/' }, [v1, v2, v3]],
  [
    { what: 'group-version', id: '/', version: v1 },
    { id: '/', apps: [old, { id: '/gone', cmd: 'x', instances: 9 }] },
  ],
  [
    { what: 'group-version', id: '/g', version: v1 },
    { id: '/g', apps: [{ id: '/g/x', cmd: 'x', instances: 5 }] },
  ],
  [
    { what: 'deployments' },
    [
      { id: 'd2', version: v2, affectedApps: ['/a', '/gone'], affectedPods: [] },
      { id: 'd1', version: v1, affectedApps: ['/a'], affectedPods: [] },
    ],
  ],
];
const knows = new Map(known.map(([read, answer]) => [readKey(read), answer]));

function asking(request: string, body?: Json): Asking {
  const [method = '', target = ''] = request.split(' ');
  const route = recognise(method, target);
  if (route.kind === 'pass' || route.kind === 'forbidden')
    throw new Error(`not judged: ${request}`);
  return { route, body, context };
}

function ask(request: string, body?: Json): AfterImage {
  const question = asking(request, body);
  const answers = new Map<string, Json | undefined>();
  for (let missing = readsFor(question, answers); missing.length > 0;) {
    for (const read of missing) answers.set(readKey(read), knows.get(readKey(read)));
    missing = readsFor(question, answers);
  }
  return afterImage(question, answers);
}

/** `kind id: instances before -> after` and what else happens. */
function told(image: AfterImage): readonly string[] {
  if (image.marathonWillRefuse) return [`${image.status} ${image.message}`];
  return image.changes.map(({ id, before, after, restart, relaunch }) => {
    const count = (spec: JsonObject | undefined) =>
      spec ? String(spec['instances'] ?? (spec['scaling'] as JsonObject)['instances']) : '-';
    const again = relaunch ? ` relaunch ${relaunch.instances}${relaunch.wipe ? ' wipe' : ''}` : '';
    return `${id}: ${count(before)} -> ${count(after)}${restart ? ' restart' : ''}${again}`;
  });
}

const app = (id: string, more: JsonObject = {}): JsonObject => ({ id, cmd: 'run', ...more });

describe('afterImage', () => {
  for (const { says, request, body, gives } of [
    {
      says: 'a creation',
      request: 'POST /v2/apps',
      body: app('n/../new', { instances: 3 }),
      gives: ['/new: - -> 3'],
    },
    {
      says: 'a clash',
      request: 'POST /v2/apps',
      body: app('/a'),
      gives: ['409 An app with id [/a] already exists.'],
    },
    {
      says: 'trap 2: a scaling',
      request: 'PUT /v2/apps/a',
      body: { instances: 5 },
      gives: ['/a: 2 -> 5'],
    },
    {
      says: 'trap 11: an upsert',
      request: 'PUT /v2/apps/n',
      body: { cmd: 'run' },
      gives: ['/n: - -> 1'],
    },
    {
      says: 'a patch of nothing',
      request: 'PATCH /v2/apps/n',
      body: app('/n'),
      gives: ["404 App '/n' does not exist"],
    },
    {
      says: 'trap 7: a restart',
      request: 'POST /v2/apps/a/restart',
      body: undefined,
      gives: ['/a: 2 -> 2 restart'],
    },
    {
      says: 'a restart of nothing',
      request: 'POST /v2/apps/n/restart',
      body: undefined,
      gives: ["404 App '/n' does not exist"],
    },
    {
      says: 'trap 6: a rollback',
      request: 'PUT /v2/apps/a',
      body: { version: v1 },
      gives: ['/a: 2 -> 7 restart'],
    },
    {
      says: 'trap 6: a rollback to nothing',
      request: 'PUT /v2/apps/a',
      body: { version: v2 },
      gives: ["404 App '/a' does not exist"],
    },
    {
      says: 'trap 6: without partial the version is ignored',
      request: 'PUT /v2/apps/a?partialUpdate=0',
      body: app('/a', { version: v1 }),
      gives: ['/a: 2 -> 1'],
    },
    {
      says: 'trap 35: a repeated id, in order',
      request: 'PUT /v2/apps',
      body: [
        { id: 'a', instances: 5 },
        { id: '/a', cmd: 'other' },
        app('/n'),
        { id: '/a', instances: 6 },
      ],
      gives: ['/a: 2 -> 6 restart', '/n: - -> 1'],
    },
    {
      says: 'trap 35: a rollback and an update of what it left',
      request: 'PUT /v2/apps',
      body: [
        { id: '/a', version: v1 },
        { id: '/a', instances: 8 },
      ],
      gives: ['/a: 2 -> 8 restart'],
    },
    {
      says: 'trap 35: there and back again',
      request: 'PATCH /v2/apps',
      body: [
        { id: '/a', cmd: 'other' },
        { id: '/a', cmd: 'run' },
      ],
      gives: ['/a: 2 -> 2'],
    },
    {
      says: 'one unknown id fails all of a patch',
      request: 'PATCH /v2/apps',
      body: [{ id: '/a' }, { id: '/n' }],
      gives: ["404 App '/n' does not exist"],
    },
    {
      says: 'a new group',
      request: 'POST /v2/groups/n',
      body: { apps: [app('x')] },
      gives: ['/n/x: - -> 1'],
    },
    {
      says: 'a group that exists',
      request: 'POST /v2/groups/g',
      body: { apps: [app('x')] },
      gives: ['409 Group /g is already created. Use PUT to change this group.'],
    },
    {
      says: 'a group in place of an app',
      request: 'POST /v2/groups/a',
      body: {},
      gives: ['409 An app with the path /a already exists.'],
    },
    {
      says: 'trap 1: the body names the group',
      request: 'PUT /v2/groups/g',
      body: { id: '/h', apps: [app('x')] },
      gives: ['/h/x: - -> 1'],
    },
    {
      says: 'trap 6: a group rollback',
      request: 'PUT /v2/groups/g',
      body: { version: v1 },
      gives: ['/g/x: - -> 5'],
    },
    {
      says: 'a group rollback to nothing',
      request: 'PUT /v2/groups/g',
      body: { version: v2 },
      gives: [`422 Group /g not available in version ${v2}`],
    },
    {
      says: 'a group whose id is a word of the API',
      request: 'PUT /v2/groups/g/apps',
      body: { apps: [app('x')] },
      gives: ['/g/apps/x: - -> 1'],
    },
    {
      says: 'a new pod',
      request: 'POST /v2/pods',
      body: { id: '/q', containers: [{ name: 'c', resources: {} }] },
      gives: ['/q: - -> 1'],
    },
    {
      says: 'a pod that exists',
      request: 'POST /v2/pods',
      body: { ...p, containers: [{ name: 'c', resources: {} }] },
      gives: ['409 A pod with id [/p] already exists.'],
    },
    {
      says: 'a pod under another id',
      request: 'PUT /v2/pods/q',
      body: { ...p, containers: [{ name: 'c', resources: {} }] },
      gives: ['400 /p does not match definition /q'],
    },
    {
      says: 'trap 7: killing all tasks',
      request: 'DELETE /v2/apps/a/tasks',
      body: undefined,
      gives: ['/a: 2 -> 2 relaunch 3'],
    },
    {
      says: 'trap 7: killing those of a host',
      request: 'DELETE /v2/apps/a/tasks?host=n2.example.org&wipe=true',
      body: undefined,
      gives: ['/a: 2 -> 2 relaunch 1 wipe'],
    },
    {
      says: 'trap 7: killing one',
      request: 'DELETE /v2/apps/a/tasks/a.instance-2._app.1',
      body: undefined,
      gives: ['/a: 2 -> 2 relaunch 1'],
    },
    { says: 'killing none', request: 'DELETE /v2/apps/a/tasks/other', body: undefined, gives: [] },
    {
      says: 'killing a pod as if it were an app',
      request: 'DELETE /v2/apps/p/tasks',
      body: undefined,
      gives: ['/p: 4 -> 4 relaunch 4'],
    },
    {
      says: 'trap 7: killing by ids',
      request: 'POST /v2/tasks/delete?wipe=true',
      body: { ids: ['a.instance-1._app.1', 'a.instance-3._app.1', 'n.instance-1._app.1', 'x'] },
      gives: ['/a: 2 -> 2 relaunch 2 wipe'],
    },
    {
      says: 'trap 7: killing instances of a pod',
      request: 'DELETE /v2/pods/p::instances',
      body: ['i', 'j'],
      gives: ['/p: 4 -> 4 relaunch 2'],
    },
    {
      says: 'trap 7: killing one instance of a pod',
      request: 'DELETE /v2/pods/p::instances/i',
      body: undefined,
      gives: ['/p: 4 -> 4 relaunch 1'],
    },
    {
      says: 'trap 7: resetting a delay',
      request: 'DELETE /v2/queue/a/delay',
      body: undefined,
      gives: ['/a: 2 -> 2'],
    },
    {
      says: 'trap 7: resetting the delay of a pod',
      request: 'DELETE /v2/queue/p/delay',
      body: undefined,
      gives: ['/p: 4 -> 4'],
    },
    {
      says: 'trap 8: undoing a deployment adds what it deleted',
      request: 'DELETE /v2/deployments/d2',
      body: undefined,
      gives: ['/a: 2 -> 7 restart', '/gone: - -> 9'],
    },
    {
      says: 'trap 8: stopping one half way starts nothing',
      request: 'DELETE /v2/deployments/d2?force=true',
      body: undefined,
      gives: [],
    },
    {
      says: 'an unknown deployment',
      request: 'DELETE /v2/deployments/d9',
      body: undefined,
      gives: ['404 DeploymentPlan d9 does not exist'],
    },
  ] as readonly {
    says: string;
    request: string;
    body: Json | undefined;
    gives: readonly string[];
  }[]) {
    it(says, async () => {
      assert.deepEqual(told(ask(request, body)), gives);
      const read = (wanted: MarathonRead) => Promise.resolve(knows.get(readKey(wanted)));
      assert.deepEqual(told(await lookUpAfterImage(asking(request, body), read)), gives);
    });
  }

  it('trap 6: a rollback may not say more', () =>
    assert.throws(() => ask('PUT /v2/apps/a', { version: v1, instances: 1 }), BadBody));
  it('trap 8: says so when what a deployment replaced is forgotten', () =>
    assert.throws(() => ask('DELETE /v2/deployments/d1'), OriginalUnknown));
  it('an array for one app is refused', () =>
    assert.throws(() => ask('POST /v2/apps', [app('/n')]), BadBody));
  it('says which reads are missing', () => {
    const question = asking('PUT /v2/apps/a', { version: v1 });
    assert.deepEqual(readsFor(question), [{ what: 'app', id: '/a' }]);
    assert.throws(() => afterImage(question, new Map()), /not read yet/);
    const answers = new Map([[readKey({ what: 'app', id: '/a' }), a]]);
    assert.deepEqual(readsFor(question, answers), [{ what: 'app-version', id: '/a', version: v1 }]);
  });
  for (const [says, request, reads] of [
    ['a group called apps', 'PUT /v2/groups/g/apps', { what: 'group', id: '/' }],
    ['a group below one called versions', 'PUT /v2/groups/versions/g', { what: 'group', id: '/' }],
    ['any other group', 'PUT /v2/groups/apps/g', { what: 'group', id: '/apps/g' }],
    ['an app in a group called tasks', 'PUT /v2/apps/a/tasks/b', { what: 'group', id: '/a/tasks' }],
    ['an app in a group called versions', 'PUT /v2/apps/versions/b', { what: 'group', id: '/' }],
  ] as const) {
    it(`${says} is read where Marathon shows it`, () =>
      assert.deepEqual(readsFor(asking(request, {})), [reads]));
  }
  it('reads the apps of an array at once', () =>
    assert.equal(readsFor(asking('PUT /v2/apps', [app('/x'), app('/y'), app('/x')])).length, 2));
});

describe('versionBefore', () => {
  it('is the newest that is older', () => {
    assert.equal(versionBefore([v3, v1, v2], v3), v2);
    assert.equal(versionBefore([v1], v1), undefined);
    assert.equal(versionBefore([], v1), undefined);
  });
});

describe('appOfTask', () => {
  for (const [id, gives] of [
    ['shop_web.instance-c2b5a3a0-0000-11e9-8647-d663bd873d93._app.1', '/shop/web'],
    ['shop_web.c2b5a3a0-0000-11e9-8647-d663bd873d93', '/shop/web'],
    ['a.b_c.marathon-c2b5a3a0-0000-11e9-8647-d663bd873d93', '/a.b/c'],
    ['nothing', undefined],
    ['A_b.instance-1', undefined],
  ] as const) {
    it(`${id} is of ${gives ?? 'none'}`, () => assert.equal(appOfTask(id), gives));
  }
});
