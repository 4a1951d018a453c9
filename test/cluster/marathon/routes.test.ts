import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BadId, BadMethod, BadTarget } from '../../../src/cluster/errors.ts';
import { recognise } from '../../../src/cluster/marathon/routes.ts';

const plain = { force: false };
const partial = { partial: true, patch: false, force: false };
const kill = { scale: false, wipe: false };

describe('recognise: every row that can start, add, restart or move tasks', () => {
  for (const [request, route] of [
    ['POST /v2/apps', { kind: 'createApp', ...plain, canonicalTarget: '/v2/apps' }],
    [
      'POST /v2/apps?force=true',
      { kind: 'createApp', force: true, canonicalTarget: '/v2/apps?force=true' },
    ],
    [
      'PUT /v2/apps/a/b',
      { kind: 'updateApp', id: '/a/b', ...partial, canonicalTarget: '/v2/apps/a/b' },
    ],
    [
      'PUT /v2/apps/a?partialUpdate=no&force=TRUE',
      {
        kind: 'updateApp',
        id: '/a',
        partial: false,
        patch: false,
        force: true,
        canonicalTarget: '/v2/apps/a?force=true&partialUpdate=false',
      },
    ],
    // PATCH knows no partialUpdate; what it does not know goes on as it came.
    [
      'PATCH /v2/apps/a?partialUpdate=false',
      {
        kind: 'updateApp',
        id: '/a',
        partial: true,
        patch: true,
        force: false,
        canonicalTarget: '/v2/apps/a?partialUpdate=false',
      },
    ],
    ['PUT /v2/apps', { kind: 'updateApps', ...partial, canonicalTarget: '/v2/apps' }],
    [
      'PATCH /v2/apps',
      { kind: 'updateApps', ...partial, patch: true, canonicalTarget: '/v2/apps' },
    ],
    [
      'POST /v2/apps/a/b/restart',
      { kind: 'restartApp', id: '/a/b', ...plain, canonicalTarget: '/v2/apps/a/b/restart' },
    ],
    [
      'POST /v2/groups',
      { kind: 'createGroup', path: '/', ...plain, canonicalTarget: '/v2/groups' },
    ],
    [
      'POST /v2/groups/a?dryRun=true',
      { kind: 'createGroup', path: '/a', ...plain, canonicalTarget: '/v2/groups/a?dryRun=true' },
    ],
    ['PUT /v2/groups', { kind: 'updateGroup', path: '/', ...plain, canonicalTarget: '/v2/groups' }],
    [
      'PUT /v2/groups/a/b',
      { kind: 'updateGroup', path: '/a/b', ...plain, canonicalTarget: '/v2/groups/a/b' },
    ],
    [
      'PUT /v2/groups/a?dryrun=true',
      { kind: 'updateGroup', path: '/a', ...plain, canonicalTarget: '/v2/groups/a?dryrun=true' },
    ],
    ['POST /v2/pods', { kind: 'createPod', ...plain, canonicalTarget: '/v2/pods' }],
    ['PUT /v2/pods/a', { kind: 'updatePod', id: '/a', ...plain, canonicalTarget: '/v2/pods/a' }],
    [
      'DELETE /v2/apps/a/tasks',
      { kind: 'killTasks', app: '/a', ...kill, canonicalTarget: '/v2/apps/a/tasks' },
    ],
    [
      'DELETE /v2/apps/a/tasks?host=n1.example.org&wipe=true',
      {
        kind: 'killTasks',
        app: '/a',
        host: 'n1.example.org',
        scale: false,
        wipe: true,
        canonicalTarget: '/v2/apps/a/tasks?wipe=true&host=n1.example.org',
      },
    ],
    [
      'DELETE /v2/apps/a/tasks/a.instance-1._app.1',
      {
        kind: 'killTasks',
        app: '/a',
        ids: ['a.instance-1._app.1'],
        ...kill,
        canonicalTarget: '/v2/apps/a/tasks/a.instance-1._app.1',
      },
    ],
    [
      'POST /v2/tasks/delete?wipe=true',
      {
        kind: 'killTasksByIds',
        scale: false,
        wipe: true,
        canonicalTarget: '/v2/tasks/delete?wipe=true',
      },
    ],
    [
      'DELETE /v2/pods/a::instances',
      { kind: 'killPodInstances', id: '/a', wipe: false, canonicalTarget: '/v2/pods/a::instances' },
    ],
    [
      'DELETE /v2/pods/a/b::instances/a_b.instance-1?wipe=true',
      {
        kind: 'killPodInstances',
        id: '/a/b',
        instance: 'a_b.instance-1',
        wipe: true,
        canonicalTarget: '/v2/pods/a/b::instances/a_b.instance-1?wipe=true',
      },
    ],
    [
      'DELETE /v2/queue/a/b/delay',
      { kind: 'resetDelay', id: '/a/b', canonicalTarget: '/v2/queue/a/b/delay' },
    ],
    [
      'DELETE /v2/deployments/d-1',
      { kind: 'cancelDeployment', id: 'd-1', ...plain, canonicalTarget: '/v2/deployments/d-1' },
    ],
    [
      'DELETE /v2/deployments/d-1?force=true',
      {
        kind: 'cancelDeployment',
        id: 'd-1',
        force: true,
        canonicalTarget: '/v2/deployments/d-1?force=true',
      },
    ],
  ] as const) {
    it(request, () => {
      const [method = '', target = ''] = request.split(' ');
      assert.deepEqual(recognise(method, target), route);
      assert.deepEqual(recognise(method, route.canonicalTarget), route);
    });
  }
});

describe('recognise: what passes', () => {
  for (const request of [
    'GET /v2/apps',
    'GET /v2/apps/%zz',
    'HEAD /v2/pods',
    'OPTIONS *',
    'GET /v2/plugins/p/anything',
    'DELETE /v2/apps/a',
    'DELETE /v2/apps/a/restart',
    'DELETE /v2/apps/tasks',
    'DELETE /v2/apps/a/tasks?scale=true',
    'DELETE /v2/apps/a/tasks/t?scale=True&wipe=true',
    'DELETE /v2/groups',
    'DELETE /v2/groups/a',
    'PATCH /v2/groups/a',
    'PUT /v2/groups/a?dryRun=true',
    'DELETE /v2/pods/a',
    'POST /v2/apps/a',
    'POST /v2/tasks/delete?scale=true',
    'DELETE /v2/leader',
    'DELETE /v2/leader?backup=file:///b',
    'DELETE /v2/queue/a',
    'POST /V2/apps',
    'POST /v2/Apps',
    'POST /ping',
    'PROPFIND /elsewhere',
  ]) {
    it(request, () => {
      const [method = '', target = ''] = request.split(' ');
      assert.deepEqual(recognise(method, target), { kind: 'pass' });
    });
  }
});

describe('recognise: what is forbidden', () => {
  for (const request of [
    'DELETE /v2/leader?restore=file:///b',
    'DELETE /v2/leader/?backup=x&restore',
    'DELETE /v2/leader;x=1?rest%6Fre=y',
    'POST /v2/plugins/p/x',
    'PUT /v2/plugins',
    'DELETE /v2/plugins/p/x',
  ]) {
    it(`trap 34: ${request}`, () => {
      const [method = '', target = ''] = request.split(' ');
      const route = recognise(method, target);
      assert.equal(route.kind, 'forbidden');
      if (route.kind !== 'forbidden') return;
      assert.match(route.message, /change anything|saved state/);
      assert.notEqual(route.remedy, '');
      assert.deepEqual(recognise(method, route.canonicalTarget), route);
    });
  }
});

describe('recognise: targets that are not canonical', () => {
  for (const { says, request, target } of [
    { says: 'matrix parameters', request: 'POST /v2/apps;x=1', target: '/v2/apps' },
    { says: 'matrix parameters inside', request: 'PUT /v2;a/apps;b/x;c', target: '/v2/apps/x' },
    { says: 'a double slash first', request: 'POST //v2/apps', target: '/v2/apps' },
    { says: 'double slashes', request: 'PUT /v2/apps//a//b', target: '/v2/apps/a/b' },
    { says: 'a trailing slash', request: 'POST /v2/apps/', target: '/v2/apps' },
    { says: 'an encoded id', request: 'PUT /v2/apps/%2Fprod%2fweb', target: '/v2/apps/prod/web' },
    { says: 'needless encoding', request: 'PUT /v2/apps/%61', target: '/v2/apps/a' },
    { says: 'dot segments in an id', request: 'PUT /v2/apps/a/../x/./y', target: '/v2/apps/x/y' },
    { says: 'encoded dots in an id', request: 'PUT /v2/apps/a/%2e%2E/x', target: '/v2/apps/x' },
    {
      says: 'the absolute form',
      request: 'POST http://any.example.org/v2/apps?force=true',
      target: '/v2/apps?force=true',
    },
  ]) {
    it(`trap 23: ${says} is rewritten`, () => {
      const [method = '', raw = ''] = request.split(' ');
      const route = recognise(method, raw);
      assert.ok('canonicalTarget' in route);
      assert.equal(route.canonicalTarget, target);
    });
  }

  for (const request of [
    'PUT /v2/apps/../pods/x',
    'PUT /v2/apps/..%2fpods%2fx',
    'POST /v2/./apps',
    'POST /x/../v2/apps',
    'POST /v2/%61pps',
    'POST /%76%32/apps',
    'DELETE /v2/apps/a%2Ftasks',
    'POST /v2/apps/a%2Frestart',
    'DELETE /v2/pods/a%3A%3Ainstances',
    'PUT /v2/apps/a%3Bx',
    'PUT /v2/apps/a%00',
    'PUT /v2/apps/a%0d%0ax',
    'PUT /v2/apps/%zz',
    'PUT /v2/apps/%ff',
    'DELETE /v2/apps/%zz/tasks',
    'PUT /v2/apps/a\\b',
    'PUT /v2/apps/a#b',
    'POST v2/apps',
    'POST *',
    'POST /v2/apps?force=%zz',
    'PUT /v2/apps/%252e',
  ]) {
    it(`trap 23: ${request} is refused`, () => {
      const at = request.indexOf(' ');
      const refuses = () => recognise(request.slice(0, at), request.slice(at + 1));
      assert.throws(refuses, (fault) => fault instanceof BadTarget || fault instanceof BadId);
    });
  }

  it('trap 23: an update of the root or of a reserved name is refused', () => {
    assert.throws(() => recognise('PUT', '/v2/apps/a/..'), BadId);
    assert.throws(() => recognise('PUT', '/v2/apps/a/restart'), BadId);
    assert.throws(() => recognise('PUT', '/v2/groups/a/versions/2015-01-01T00:00:00Z'), BadId);
  });

  it('refuses methods that it does not know where changes are judged', () => {
    assert.throws(() => recognise('put', '/v2/apps/a'), BadMethod);
    assert.throws(() => recognise('PROPFIND', '/v2/groups'), BadMethod);
    assert.throws(() => recognise('POSTS', '//v2/apps/a/restart'), BadMethod);
  });
});
