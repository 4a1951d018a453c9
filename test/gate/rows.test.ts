import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Answer } from '../sim/stage.ts';
import { smallNodes, smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { plainApp, webApp, webPod } from './specs.ts';

interface Row {
  readonly says: string;
  /** Apps of two instances that run before; pods likewise. */
  readonly apps?: readonly string[];
  readonly pods?: readonly string[];
  /** Something more to do first; what it gives is handed on to `ask`. */
  readonly first?: (cluster: TestCluster) => Promise<string>;
  readonly ask: readonly [method: string, path: string, body?: unknown];
  readonly status: number;
  /** Start of the Corral-Verdict header; undefined when the request is passed on unseen. */
  readonly verdict: 'admit' | 'pass' | undefined;
  /** Most instances promised, by app. */
  readonly promises?: Readonly<Record<string, number>>;
  /** What Marathon gets; the request's own target unless given. `null`: nothing arrives. */
  readonly target?: string | null;
}

const WHAT = '{first}';

const ROWS: readonly Row[] = [
  {
    says: 'POST /v2/apps',
    ask: ['POST', '/v2/apps', webApp('/r1/web', { instances: 3 })],
    ...{ status: 201, verdict: 'admit', promises: { '/r1/web': 3 } },
  },
  {
    says: 'POST /v2/apps of an app without a managed address',
    ask: ['POST', '/v2/apps', plainApp('/r2/web')],
    ...{ status: 201, verdict: 'pass' },
  },
  {
    says: 'PUT /v2/apps/{id} that scales',
    apps: ['/r3/web'],
    ask: ['PUT', '/v2/apps/r3/web', { instances: 5 }],
    ...{ status: 200, verdict: 'admit', promises: { '/r3/web': 5 } },
  },
  {
    says: 'PUT /v2/apps/{id} that upgrades: old and new at once',
    apps: ['/r4/web'],
    ask: ['PUT', '/v2/apps/r4/web', { cmd: 'sleep 2' }],
    ...{ status: 200, verdict: 'admit', promises: { '/r4/web': 4 } },
  },
  {
    says: 'PUT /v2/apps/{id} of an unknown app creates it',
    ask: ['PUT', '/v2/apps/r5/web', webApp('/r5/web')],
    ...{ status: 201, verdict: 'admit', promises: { '/r5/web': 1 } },
  },
  {
    says: 'PATCH /v2/apps/{id}',
    apps: ['/r6/web'],
    ask: ['PATCH', '/v2/apps/r6/web', { instances: 3 }],
    ...{ status: 200, verdict: 'admit', promises: { '/r6/web': 3 } },
  },
  {
    says: 'PATCH /v2/apps/{id} of an unknown app is answered by Marathon',
    ask: ['PATCH', '/v2/apps/r7/none', webApp('/r7/none')],
    ...{ status: 404, verdict: 'pass' },
  },
  {
    says: 'PUT /v2/apps, an array',
    apps: ['/r8/one'],
    ask: ['PUT', '/v2/apps', [{ id: '/r8/one', instances: 3 }, webApp('/r8/two')]],
    ...{ status: 200, verdict: 'admit', promises: { '/r8/one': 3, '/r8/two': 1 } },
  },
  {
    says: 'PATCH /v2/apps, an array',
    apps: ['/r9/one', '/r9/two'],
    ask: [
      'PATCH',
      '/v2/apps',
      [
        { id: '/r9/one', instances: 3 },
        { id: '/r9/two', instances: 1 },
      ],
    ],
    ...{ status: 200, verdict: 'admit', promises: { '/r9/one': 3 } },
  },
  {
    says: 'POST /v2/apps/{id}/restart: the peak of an upgrade',
    apps: ['/r10/web'],
    ask: ['POST', '/v2/apps/r10/web/restart'],
    ...{ status: 200, verdict: 'admit', promises: { '/r10/web': 4 } },
  },
  {
    says: 'POST /v2/groups',
    ask: ['POST', '/v2/groups', { id: '/r11', apps: [webApp('/r11/web')] }],
    ...{ status: 201, verdict: 'admit', promises: { '/r11/web': 1 } },
  },
  {
    says: 'POST /v2/groups/{id}',
    ask: ['POST', '/v2/groups/r12', { apps: [webApp('/r12/web')] }],
    ...{ status: 201, verdict: 'admit', promises: { '/r12/web': 1 } },
  },
  {
    says: 'PUT /v2/groups/{id}',
    apps: ['/r13/old'],
    ask: ['PUT', '/v2/groups/r13', { apps: [webApp('/r13/new', { instances: 2 })] }],
    ...{ status: 200, verdict: 'admit', promises: { '/r13/new': 2 } },
  },
  {
    says: 'PUT /v2/groups/{id} that scales',
    apps: ['/r14/web'],
    ask: ['PUT', '/v2/groups/r14', { scaleBy: 1.5 }],
    ...{ status: 200, verdict: 'admit', promises: { '/r14/web': 3 } },
  },
  {
    says: 'PUT /v2/groups/{id}?dryRun=true changes nothing and is passed on',
    apps: ['/r15/web'],
    ask: ['PUT', '/v2/groups/r15?dryRun=true', { scaleBy: 100 }],
    ...{ status: 200, verdict: undefined },
  },
  {
    says: 'PATCH /v2/groups/{id} starts nothing and is passed on',
    apps: ['/r16/web'],
    ask: ['PATCH', '/v2/groups/r16', { enforceRole: false }],
    ...{ status: 200, verdict: undefined },
  },
  {
    says: 'POST /v2/pods',
    ask: ['POST', '/v2/pods', webPod('/r17/pod', 2)],
    ...{ status: 201, verdict: 'admit', promises: { '/r17/pod': 2 } },
  },
  {
    says: 'PUT /v2/pods/{id}',
    pods: ['/r18/pod'],
    ask: ['PUT', '/v2/pods/r18/pod', webPod('/r18/pod', 4)],
    ...{ status: 200, verdict: 'admit', promises: { '/r18/pod': 4 } },
  },
  {
    says: 'PUT /v2/pods/{id} of an unknown pod creates it',
    ask: ['PUT', '/v2/pods/r19/pod', webPod('/r19/pod')],
    ...{ status: 200, verdict: 'admit', promises: { '/r19/pod': 1 } },
  },
  {
    says: 'DELETE /v2/apps/{id}/tasks: instances come back, perhaps elsewhere',
    apps: ['/r20/web'],
    ask: ['DELETE', '/v2/apps/r20/web/tasks'],
    ...{ status: 200, verdict: 'admit', promises: { '/r20/web': 2 } },
  },
  {
    says: 'DELETE /v2/apps/{id}/tasks?wipe=true: the old processes may overlap',
    apps: ['/r21/web'],
    ask: ['DELETE', '/v2/apps/r21/web/tasks?wipe=true'],
    ...{ status: 200, verdict: 'admit', promises: { '/r21/web': 4 } },
  },
  {
    says: 'DELETE /v2/apps/{id}/tasks?scale=true only frees',
    apps: ['/r22/web'],
    ask: ['DELETE', '/v2/apps/r22/web/tasks?scale=true'],
    ...{ status: 200, verdict: undefined },
  },
  {
    says: 'DELETE /v2/apps/{id}/tasks/{taskId}',
    apps: ['/r23/web'],
    first: (cluster) => taskOf(cluster, '/r23/web'),
    ask: ['DELETE', `/v2/apps/r23/web/tasks/${WHAT}`],
    ...{ status: 200, verdict: 'admit', promises: { '/r23/web': 2 } },
  },
  {
    says: 'POST /v2/tasks/delete',
    apps: ['/r24/web'],
    first: (cluster) => taskOf(cluster, '/r24/web'),
    ask: ['POST', '/v2/tasks/delete', { ids: [WHAT] }],
    ...{ status: 200, verdict: 'admit', promises: { '/r24/web': 2 } },
  },
  {
    says: 'POST /v2/tasks/delete?scale=true only frees',
    apps: ['/r25/web'],
    first: (cluster) => taskOf(cluster, '/r25/web'),
    ask: ['POST', '/v2/tasks/delete?scale=true', { ids: [WHAT] }],
    ...{ status: 200, verdict: undefined },
  },
  {
    says: 'DELETE /v2/pods/{id}::instances',
    pods: ['/r26/pod'],
    first: (cluster) => podInstanceOf(cluster, '/r26/pod'),
    ask: ['DELETE', '/v2/pods/r26/pod::instances', [WHAT]],
    ...{ status: 200, verdict: 'admit', promises: { '/r26/pod': 2 } },
  },
  {
    says: 'DELETE /v2/pods/{id}::instances/{iid}',
    pods: ['/r27/pod'],
    first: (cluster) => podInstanceOf(cluster, '/r27/pod'),
    ask: ['DELETE', `/v2/pods/r27/pod::instances/${WHAT}`],
    ...{ status: 200, verdict: 'admit', promises: { '/r27/pod': 2 } },
  },
  {
    says: 'DELETE /v2/queue/{id}/delay: what it launches was promised room before',
    first: async ({ request }) => {
      assert.equal((await request('POST', '/v2/apps', webApp('/r28/web'))).status, 201);
      return '';
    },
    ask: ['DELETE', '/v2/queue/r28/web/delay'],
    ...{ status: 204, verdict: 'pass', promises: { '/r28/web': 1 } },
  },
  {
    says: 'DELETE /v2/deployments/{id} brings back what was deleted, beside what still dies',
    apps: ['/r29/web'],
    first: async ({ request }) =>
      (await request('DELETE', '/v2/apps/r29/web')).json.deploymentId as string,
    ask: ['DELETE', `/v2/deployments/${WHAT}`],
    ...{ status: 200, verdict: 'admit', promises: { '/r29/web': 4 } },
  },
  {
    says: 'DELETE /v2/deployments/{id}?force=true stops half way and starts nothing',
    apps: ['/r30/web'],
    first: async ({ request }) =>
      (await request('DELETE', '/v2/apps/r30/web')).json.deploymentId as string,
    ask: ['DELETE', `/v2/deployments/${WHAT}?force=true`],
    ...{ status: 202, verdict: 'pass' },
  },
  {
    says: 'DELETE /v2/apps/{id} frees',
    apps: ['/r31/web'],
    ask: ['DELETE', '/v2/apps/r31/web'],
    ...{ status: 200, verdict: undefined },
  },
  {
    says: 'DELETE /v2/groups/{id} frees',
    apps: ['/r32/web'],
    ask: ['DELETE', '/v2/groups/r32'],
    ...{ status: 200, verdict: undefined },
  },
  {
    says: 'DELETE /v2/pods/{id} frees',
    pods: ['/r33/pod'],
    ask: ['DELETE', '/v2/pods/r33/pod'],
    ...{ status: 202, verdict: undefined },
  },
  {
    says: 'an app goes back to a version',
    apps: ['/r34/web'],
    first: async ({ request, clock }) => {
      const version = (await request('GET', '/v2/apps/r34/web')).json.app.version as string;
      await request('PUT', '/v2/apps/r34/web', { instances: 1 });
      await clock?.advance(60_000);
      return version;
    },
    ask: ['PUT', '/v2/apps/r34/web', { version: WHAT }],
    ...{ status: 200, verdict: 'admit', promises: { '/r34/web': 2 } },
  },
  {
    says: 'DELETE /v2/leader?restore= can start anything and stays away',
    ask: ['DELETE', '/v2/leader?restore=file%3A%2F%2F%2Fbackup'],
    ...{ status: 403, verdict: undefined, target: null },
  },
  {
    says: 'ANY /v2/plugins can change anything and stays away',
    ask: ['POST', '/v2/plugins/some/path', {}],
    ...{ status: 403, verdict: undefined, target: null },
  },
];

describe('every request that can start tasks', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      virtual: true,
      nodes: smallNodes(),
      topology: smallTopology(200),
    });
    await settle(cluster, ROWS);
  });
  after(() => cluster.stop());
  for (const row of ROWS) it(row.says, () => play(cluster, row));
});

/** Everything that the rows start from, at once: two instances of each. */
async function settle(cluster: TestCluster, rows: readonly Row[]): Promise<void> {
  const apps = rows.flatMap((row) => row.apps ?? []).map((id) => webApp(id, { instances: 2 }));
  const pods = rows.flatMap((row) => row.pods ?? []).map((id) => webPod(id, 2));
  assert.equal((await cluster.request('PUT', '/v2/apps', apps)).status, 200);
  for (const pod of pods)
    assert.equal((await cluster.request('POST', '/v2/pods', pod)).status, 201);
  const wanted = (apps.length + pods.length) * 2;
  await cluster.until(async () => {
    await cluster.clock?.advance(10_000);
    return (await cluster.leases()).length === wanted;
  }, `${wanted} instances run`);
  await cluster.until(async () => (await cluster.reservations()).size === 0, 'no promise is left');
}

async function play(cluster: TestCluster, row: Row): Promise<void> {
  const what = (await row.first?.(cluster)) ?? '';
  const [method, path, body] = row.ask;
  const filled = <T>(value: T): T =>
    value === undefined ? value : (JSON.parse(JSON.stringify(value).replaceAll(WHAT, what)) as T);
  const known = cluster.arrived().length;
  const answer = await cluster.request(method, filled(path), filled(body));
  assert.equal(answer.status, row.status, answer.text);
  assert.equal(answer.headers.get('corral-verdict')?.split(';')[0], row.verdict);
  const arrived = cluster.arrived().slice(known);
  const target = row.target === undefined ? filled(path) : row.target;
  assert.deepEqual(
    arrived.map((seen) => `${seen.method} ${seen.target}`),
    target === null ? [] : [`${method} ${target}`],
  );
  if (body !== undefined && target !== null)
    assert.equal(arrived[0]?.body.toString(), JSON.stringify(filled(body)));
  await promisesAre(cluster, row);
}

/** The group of a row is its own, so what is promised below it comes of the row. */
async function promisesAre(cluster: TestCluster, { ask, promises = {}, ...row }: Row) {
  const ids = [...(row.apps ?? []), ...(row.pods ?? []), ...Object.keys(promises)];
  const group = ids[0]?.split('/')[1] ?? /r\d+/.exec(JSON.stringify(ask))?.[0] ?? 'none';
  const promised = [...(await cluster.reservations())]
    .filter(([app]) => app.startsWith(`/${group}/`))
    .map(([app, { target }]) => [app, target]);
  assert.deepEqual(Object.fromEntries(promised), promises);
}

async function taskOf({ request }: TestCluster, app: string): Promise<string> {
  const { json } = await request('GET', `/v2/apps${app}/tasks`);
  return json.tasks[0].id as string;
}

async function podInstanceOf({ request }: TestCluster, pod: string): Promise<string> {
  const { json }: Answer = await request('GET', `/v2/pods${pod}::status`);
  return json.instances[0].id as string;
}
