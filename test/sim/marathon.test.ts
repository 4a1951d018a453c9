import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openSim, type Answer, type OpenSim } from './stage.ts';

const app = (id: string, more: object = {}) => ({
  id,
  cmd: 'sleep 100',
  cpus: 0.1,
  mem: 16,
  instances: 1,
  ...more,
});
const pod = (id: string, more: object = {}) => ({
  id,
  containers: [
    { name: 'main', resources: { cpus: 0.1, mem: 16 }, exec: { command: { shell: 'sleep 9' } } },
  ],
  networks: [{ mode: 'container', name: 'prod' }],
  scaling: { kind: 'fixed', instances: 2 },
  ...more,
});

let sim: OpenSim;
before(async () => (sim = await openSim({ defaultNetwork: 'prod' })));
after(async () => {
  await sim.sim.stop();
  assert.deepEqual(sim.faults, []);
});
/** Every test finds an empty, quiet Marathon. */
afterEach(async () => {
  for (const { id } of (await sim.ask('GET', '/v2/deployments')).json)
    await sim.ask('DELETE', `/v2/deployments/${id}?force=true`);
  await sim.ask('DELETE', '/v2/groups?force=true');
  await sim.clock.advance(10_000);
  assert.equal(sim.sim.world.fleet.containers.size, 0);
});

/** Settled: deployed, running, nothing under way. */
const deployed = async (...bodies: object[]): Promise<void> => {
  for (const body of bodies) {
    const { status, text } = await sim.ask(
      'POST',
      'containers' in body ? '/v2/pods' : '/v2/apps',
      body,
    );
    assert.equal(status, 201, text);
  }
  await sim.clock.advance(30_000);
  assert.deepEqual((await sim.ask('GET', '/v2/deployments')).json, []);
};
const appOf = async (id: string) => (await sim.ask('GET', `/v2/apps${id}`)).json.app;
const isDeployment = ({ json, headers }: Answer): void => {
  assert.deepEqual(Object.keys(json), ['version', 'deploymentId']);
  assert.equal(headers.get('marathon-deployment-id'), json.deploymentId);
};

describe('what Marathon refuses', () => {
  const row = (says: string, method: string, path: string, body: unknown, status: number, answer: object | RegExp) =>
    ({ says, method, path, body, status, answer }); // prettier-ignore
  const invalid = (path: string, error: string) => ({
    message: 'Invalid JSON',
    details: [{ path, errors: [error] }],
  });
  const wrong = (path: string) =>
    new RegExp(`^\\{"message":"Object is not valid","details":\\[\\{"path":"${path}"`);
  for (const { says, method, path, body, status, answer } of [
    row('a route it does not know', 'GET', '/v2/eventSubscriptions', undefined, 500, {
      message: 'URI not found',
    }),
    row('a method it does not have', 'DELETE', '/v2/queue', undefined, 405, {
      message: 'Method Not Allowed',
    }),
    row('a PUT to restart', 'PUT', '/v2/apps/x/restart', {}, 405, {
      message: 'Method Not Allowed',
    }),
    row('an unknown app', 'GET', '/v2/apps/none', undefined, 404, {
      message: "App '/none' does not exist",
    }),
    row('an unknown pod', 'GET', '/v2/pods/none', undefined, 404, {
      message: "Pod '/none' does not exist",
    }),
    row('an unknown group', 'GET', '/v2/groups/none', undefined, 404, {
      message: "Group '/none' does not exist",
    }),
    row('an unknown deployment', 'DELETE', '/v2/deployments/d', undefined, 404, {
      message: 'DeploymentPlan d does not exist',
    }),
    row(
      'a body that is no JSON',
      'POST',
      '/v2/apps',
      '{"id":',
      400,
      /^\{"message":"Invalid JSON","details":"/,
    ),
    row(
      'an empty body',
      'POST',
      '/v2/apps',
      '',
      400,
      /^\{"message":"Please specify data in JSON format","details":"/,
    ),
    row(
      'an array for one app',
      'POST',
      '/v2/apps',
      [app('/x')],
      422,
      invalid('/', 'error.expected.jsobject'),
    ),
    row(
      'one app for an array',
      'PUT',
      '/v2/apps',
      app('/x'),
      422,
      invalid('/', 'error.expected.jsarray'),
    ),
    row(
      'an id that is a number',
      'POST',
      '/v2/apps',
      app('/x', { id: 5 }),
      422,
      invalid('/id', 'error.expected.jsstring'),
    ),
    row('no id', 'POST', '/v2/apps', { cmd: 'sleep 1' }, 422, invalid('/id', 'error.path.missing')),
    row(
      'instances in words',
      'POST',
      '/v2/apps',
      app('/x', { instances: '3' }),
      422,
      invalid('/instances', 'error.expected.jsnumber'),
    ),
    row(
      'half an instance',
      'POST',
      '/v2/apps',
      app('/x', { instances: 2.5 }),
      422,
      invalid('/instances', 'error.expected.int'),
    ),
    row(
      'minus one instance',
      'POST',
      '/v2/apps',
      app('/x', { instances: -1 }),
      422,
      invalid('/instances', 'error.min'),
    ),
    row(
      'a number in env',
      'POST',
      '/v2/apps',
      app('/x', { env: { A: 1 } }),
      422,
      invalid('/env/A', 'error.expected.jsobject'),
    ),
    row(
      'half an upgrade strategy',
      'POST',
      '/v2/apps',
      app('/x', { upgradeStrategy: { minimumHealthCapacity: 1 } }),
      422,
      invalid('/upgradeStrategy/maximumOverCapacity', 'error.path.missing'),
    ),
    row('a bad id', 'POST', '/v2/apps', app('/Bad_Id'), 422, wrong('/id')),
    row(
      'an id that ends in a word of the API',
      'POST',
      '/v2/apps',
      app('/x/restart'),
      422,
      wrong('/id'),
    ),
    row('nothing to run', 'POST', '/v2/apps', { id: '/x' }, 422, wrong('/')),
    row('a command of one letter', 'POST', '/v2/apps', app('/x', { cmd: 'a' }), 422, wrong('/cmd')),
    row(
      'two networks for Docker',
      'POST',
      '/v2/apps',
      app('/x', {
        container: { docker: { image: 'a' } },
        networks: [{ name: 'a' }, { name: 'b' }],
      }),
      422,
      wrong('/networks'),
    ),
    row(
      'host beside container',
      'POST',
      '/v2/apps',
      app('/x', { networks: [{ name: 'a' }, { mode: 'host' }] }),
      422,
      wrong('/networks'),
    ),
    row(
      'an operator it does not know',
      'POST',
      '/v2/apps',
      app('/x', { constraints: [['hostname', 'NEAR']] }),
      422,
      wrong('/constraints\\(0\\)'),
    ),
    row(
      'UNIQUE with a value',
      'POST',
      '/v2/apps',
      app('/x', { constraints: [['hostname', 'UNIQUE', 'a']] }),
      422,
      wrong('/constraints\\(0\\)'),
    ),
    row(
      'two instances of a single one',
      'POST',
      '/v2/apps',
      app('/x', { instances: 2, labels: { MARATHON_SINGLE_INSTANCE_APP: 'true' } }),
      422,
      wrong('/instances'),
    ),
    row(
      'a secret that is not defined',
      'POST',
      '/v2/apps',
      app('/x', { env: { A: { secret: 's' } } }),
      422,
      wrong('/env/A'),
    ),
    row(
      'an update of nobody without a full body',
      'PATCH',
      '/v2/apps/none',
      { instances: 2 },
      422,
      wrong('/'),
    ),
    row('a full update of nobody by PATCH', 'PATCH', '/v2/apps/none', app('/none'), 404, {
      message: "App '/none' does not exist",
    }),
    row('a pod id without a slash', 'POST', '/v2/pods', pod('x'), 422, wrong('/id')),
    row('a pod under another id', 'PUT', '/v2/pods/y', pod('/x'), 400, /"message":/),
    row(
      'a pod of fewer than none',
      'POST',
      '/v2/pods',
      pod('/x', { scaling: { kind: 'fixed', instances: -1 } }),
      422,
      wrong('/scaling/instances'),
    ),
    row(
      'scale and wipe together',
      'POST',
      '/v2/tasks/delete?scale=true&wipe=true',
      { ids: [] },
      400,
      /"message":/,
    ),
    row('a delay of nobody', 'DELETE', '/v2/queue/none/delay', undefined, 404, /"message":/),
    row('a group of the name that exists', 'POST', '/v2/groups', { id: '/' }, 409, /"message":/),
    row(
      'an app that is not in the group',
      'PUT',
      '/v2/groups/g',
      { apps: [app('/h/x')] },
      422,
      wrong('/apps\\(0\\)/id'),
    ),
    row(
      'a group version beside other fields',
      'PUT',
      '/v2/groups/g',
      { version: '2020-01-01T00:00:00.000Z', apps: [] },
      422,
      wrong('/'),
    ),
    row(
      'a nested scaleBy',
      'PUT',
      '/v2/groups/g',
      { groups: [{ id: 'h', scaleBy: 2 }] },
      422,
      wrong('/'),
    ),
  ])
    it(`${says}: ${status}`, async () => {
      const reply = await sim.ask(method, path, body);
      assert.equal(reply.status, status, reply.text);
      if (answer instanceof RegExp) assert.match(reply.text, answer);
      else assert.deepEqual(reply.json, answer);
      assert.deepEqual((await sim.ask('GET', '/v2/apps')).json, { apps: [] });
    });

  it('another Content-Type for apps, and takes any for groups', async () => {
    const type = { 'Content-Type': 'text/plain' };
    assert.equal((await sim.ask('POST', '/v2/apps', app('/x'), type)).status, 415);
    assert.equal((await sim.ask('PUT', '/v2/groups/g', { apps: [app('x')] }, type)).status, 200);
  });

  it('an id that is taken: 409 without deployments', async () => {
    await deployed(app('/x'));
    const { status, json } = await sim.ask('POST', '/v2/apps', app('/x'));
    assert.equal(status, 409);
    assert.deepEqual(json, { message: 'An app with id [/x] already exists.' });
  });

  it('a change under a running deployment: 409 with its id, unless forced', async () => {
    const { json: first } = await sim.ask('POST', '/v2/apps', app('/x'));
    const { status, json } = await sim.ask('PUT', '/v2/apps/x', { instances: 2 });
    assert.equal(status, 409);
    assert.deepEqual(json.deployments, first.deployments);
    isDeployment(await sim.ask('PUT', '/v2/apps/x?force=true', { instances: 2 }));
  });

  it('an app under the name of a group: 422', async () => {
    await deployed(app('/g/x'));
    assert.equal((await sim.ask('POST', '/v2/apps', app('/g'))).status, 422);
  });
});

describe('apps', () => {
  it('are created with 201, a Location and counts of nothing', async () => {
    const reply = await sim.ask('POST', '/v2/apps', app('shop/web', { instances: 2 }));
    assert.equal(reply.status, 201);
    assert.equal(reply.headers.get('location'), '/shop/web');
    assert.deepEqual(reply.json.deployments, [{ id: reply.headers.get('marathon-deployment-id') }]);
    const {
      tasksStaged,
      tasksRunning,
      instances,
      id,
      networks,
      backoffFactor,
      maxLaunchDelaySeconds,
    } = reply.json;
    assert.deepEqual(
      { tasksStaged, tasksRunning, instances },
      { tasksStaged: 0, tasksRunning: 0, instances: 2 },
    );
    assert.deepEqual(
      { id, networks, backoffFactor, maxLaunchDelaySeconds },
      {
        id: '/shop/web',
        networks: [{ mode: 'host' }],
        backoffFactor: 1.15,
        maxLaunchDelaySeconds: 300,
      },
    );
    await sim.clock.advance(10_000);
    const shown = await appOf('/shop/web');
    assert.equal(shown.tasksRunning, 2);
    assert.deepEqual(Object.keys(shown.tasks[0]).sort(), ['appId', 'host', 'id', 'ipAddresses', 'ports', 'role', 'servicePorts', 'slaveId', 'stagedAt', 'startedAt', 'state', 'version']); // prettier-ignore
  });

  for (const { says, given, shows } of [
    {
      says: 'docker USER with ipAddress',
      given: {
        container: { docker: { image: 'a', network: 'USER' } },
        ipAddress: { networkName: 'n' },
      },
      shows: [{ mode: 'container', name: 'n' }],
    },
    {
      says: 'docker BRIDGE',
      given: { container: { docker: { image: 'a', network: 'BRIDGE' } } },
      shows: [{ mode: 'container/bridge' }],
    },
    {
      says: 'ipAddress alone',
      given: { ipAddress: {} },
      shows: [{ mode: 'container', name: 'prod' }],
    },
    {
      says: 'ipAddress on the bridge',
      given: { ipAddress: { networkName: 'mesos-bridge' } },
      shows: [{ mode: 'container/bridge' }],
    },
    {
      says: 'a network without mode or name',
      given: { networks: [{}] },
      shows: [{ mode: 'container', name: 'prod' }],
    },
    {
      says: 'a mode in capitals',
      given: { networks: [{ mode: 'HOST' }] },
      shows: [{ mode: 'host' }],
    },
  ])
    it(`show ${says} in today's spelling`, async () => {
      const { json, text } = await sim.ask('POST', '/v2/apps', app('/x', given));
      assert.deepEqual(json.networks, shows, text);
      assert.equal(json.ipAddress, undefined);
      assert.equal(json.container?.docker?.network, undefined);
    });

  it('keep what a partial update does not name, and lose what it replaces', async () => {
    await deployed(app('/x', { env: { A: '1', net_in: '5' }, labels: { l: '1' } }));
    isDeployment(await sim.ask('PUT', '/v2/apps/x', { env: { B: '2' }, instances: null }));
    const { env, labels, instances } = await appOf('/x');
    assert.deepEqual(
      { env, labels, instances },
      { env: { B: '2' }, labels: { l: '1' }, instances: 1 },
    );
  });

  it('are replaced whole with partialUpdate=false, and `1` means false too', async () => {
    for (const flag of ['false', '1']) {
      await sim.ask('PUT', '/v2/apps/x?force=true', app('/x', { env: { A: '1' } }));
      await sim.ask(
        'PUT',
        `/v2/apps/x?force=true&partialUpdate=${flag}`,
        app('/ignored', { instances: 3 }),
      );
      const { env, instances } = await appOf('/x');
      assert.deepEqual({ env, instances }, { env: undefined, instances: 3 });
    }
  });

  it('lose their container when networks come without one', async () => {
    await deployed(app('/x', { container: { docker: { image: 'a' } } }));
    await sim.ask('PUT', '/v2/apps/x', { networks: [{ name: 'a' }, { name: 'b' }] });
    const { container } = await appOf('/x');
    assert.equal(container.type, 'MESOS');
    assert.equal(container.docker, undefined);
  });

  it('are created by PUT with 201', async () => {
    const reply = await sim.ask('PUT', '/v2/apps//a/../b/', app('/elsewhere'));
    assert.equal(reply.status, 201);
    assert.equal(reply.headers.get('location'), '/b');
    isDeployment(reply);
  });

  it('change together in one deployment', async () => {
    await deployed(app('/a'));
    isDeployment(await sim.ask('PUT', '/v2/apps', [{ id: '/a', instances: 2 }, app('/b')]));
    assert.equal((await sim.ask('GET', '/v2/deployments')).json.length, 1);
    await sim.clock.advance(20_000);
    assert.equal((await appOf('/a')).tasksRunning, 2);
    const { status } = await sim.ask('PATCH', '/v2/apps', [
      { id: '/a', instances: 5 },
      app('/none'),
    ]);
    assert.equal(status, 404);
    assert.equal((await appOf('/a')).instances, 2);
  });

  it('go back to an earlier version', async () => {
    await deployed(app('/versioned', { env: { A: '1' } }));
    await sim.ask('PUT', '/v2/apps/versioned', { env: { A: '2' } });
    await sim.clock.advance(30_000);
    const { json } = await sim.ask('GET', '/v2/apps/versioned/versions');
    assert.equal(json.versions.length, 2);
    assert.deepEqual(
      (await sim.ask('GET', `/v2/apps/versioned/versions/${json.versions[1]}`)).json.env,
      {
        A: '1',
      },
    );
    assert.equal(
      (await sim.ask('PUT', '/v2/apps/versioned', { version: json.versions[1], instances: 2 }))
        .status,
      422,
    );
    isDeployment(await sim.ask('PUT', '/v2/apps/versioned', { version: json.versions[1] }));
    assert.deepEqual((await appOf('/versioned')).env, { A: '1' });
  });

  it('keep their tasks on a scale and lose them on a change', async () => {
    await deployed(app('/x', { instances: 2 }));
    const before = (await appOf('/x')).tasks.map(({ id }: { id: string }) => id).sort();
    await sim.ask('PUT', '/v2/apps/x', { instances: 3 });
    await sim.clock.advance(20_000);
    const scaled = (await appOf('/x')).tasks.map(({ id }: { id: string }) => id);
    assert(before.every((id: string) => scaled.includes(id)));
    await sim.ask('PUT', '/v2/apps/x', { constraints: [['hostname', 'LIKE', '.*']] });
    await sim.clock.advance(60_000);
    const changed = (await appOf('/x')).tasks.map(({ id }: { id: string }) => id);
    assert.equal(changed.length, 3);
    assert(changed.every((id: string) => !scaled.includes(id)));
  });

  it('with resource limits restart on any partial update, which erases them', async () => {
    await deployed(app('/x', { resourceLimits: { cpus: 1 } }));
    await sim.ask('PUT', '/v2/apps/x', { instances: 2 });
    const [{ currentActions }] = (await sim.ask('GET', '/v2/deployments')).json;
    assert.equal(currentActions[0].action, 'RestartApplication');
    assert.equal((await appOf('/x')).resourceLimits, undefined);
  });

  it('are listed by id, label and command, and below a group', async () => {
    await deployed(
      app('/a/x', { labels: { tier: 'web' } }),
      app('/a/b/y', { cmd: 'sleep 200' }),
      app('/z'),
    );
    const ids = async (path: string) => (await sim.ask('GET', path)).json;
    const listed = async (query: string) =>
      (await ids(`/v2/apps?${query}`)).apps.map(({ id }: { id: string }) => id);
    assert.deepEqual(await listed(''), ['/a/x', '/a/b/y', '/z']);
    assert.deepEqual(await listed('id=/a'), ['/a/x', '/a/b/y']);
    assert.deepEqual(await listed('cmd=SLEEP%20200'), ['/a/b/y']);
    assert.deepEqual(await listed('label=tier==web'), ['/a/x']);
    assert.deepEqual(await listed('label=!tier'), ['/a/b/y', '/z']);
    assert.equal((await ids('/v2/apps/a/*'))['*'].length, 2);
    assert.equal((await ids('/v2/apps?embed=apps.tasks')).apps[0].tasks.length, 1);
    assert.equal((await ids('/v2/apps')).apps[0].tasks, undefined);
    assert.equal((await ids('/v2/apps/a/*/tasks')).tasks.length, 2);
    assert.equal((await ids('/v2/groups/a/apps')).apps.length, 2);
  });

  it('restart every instance', async () => {
    await deployed(app('/x', { instances: 2 }));
    const before = (await appOf('/x')).tasks.map(({ id }: { id: string }) => id);
    isDeployment(await sim.ask('POST', '/v2/apps/x/restart', {}));
    await sim.clock.advance(60_000);
    const tasks = (await appOf('/x')).tasks.map(({ id }: { id: string }) => id);
    assert.equal(tasks.length, 2);
    assert(tasks.every((id: string) => !before.includes(id)));
  });

  it('go with 200 and their tasks with them', async () => {
    await deployed(app('/x'));
    isDeployment(await sim.ask('DELETE', '/v2/apps/x'));
    assert.equal((await sim.ask('GET', '/v2/apps/x')).status, 404);
    await sim.clock.advance(10_000);
    assert.equal(sim.sim.world.fleet.containers.size, 0);
  });

  it('wait for what they depend on', async () => {
    await sim.ask('PUT', '/v2/apps', [app('/front', { dependencies: ['/back'] }), app('/back')]);
    const [{ totalSteps }] = (await sim.ask('GET', '/v2/deployments')).json;
    assert.equal(totalSteps, 3);
    await sim.clock.advance(1200);
    assert.deepEqual((await appOf('/front')).tasks, []);
    assert.equal((await appOf('/back')).tasks.length, 1);
    await sim.clock.advance(30_000);
    assert.equal((await appOf('/front')).tasksRunning, 1);
  });
});

describe('tasks', () => {
  it('are listed for all apps and for one', async () => {
    await deployed(app('/x', { instances: 2 }), app('/y'));
    assert.equal((await sim.ask('GET', '/v2/tasks')).json.tasks.length, 3);
    assert.equal((await sim.ask('GET', '/v2/tasks?status=staging')).json.tasks.length, 0);
    assert.equal((await sim.ask('GET', '/v2/apps/x/tasks')).json.tasks.length, 2);
  });

  it('that are killed come back under the same instance', async () => {
    await deployed(app('/x'));
    const [{ id }] = (await appOf('/x')).tasks;
    const { status, json } = await sim.ask('DELETE', `/v2/apps/x/tasks/${id}`);
    assert.equal(status, 200);
    assert.equal(json.task.id, id);
    await sim.clock.advance(500);
    const [{ delay }] = (await sim.ask('GET', '/v2/queue')).json.queue;
    assert.deepEqual(delay, { timeLeftSeconds: 0, overdue: true }, 'a kill is no failure');
    await sim.clock.advance(10_000);
    const [again] = (await appOf('/x')).tasks;
    assert.equal(again.id, id.replace(/\.1$/, '.2'));
    assert.equal(again.state, 'TASK_RUNNING');
  });

  it('that are killed with scale lower the count', async () => {
    await deployed(app('/x', { instances: 3 }));
    const ids = (await appOf('/x')).tasks.slice(0, 2).map(({ id }: { id: string }) => id);
    isDeployment(await sim.ask('POST', '/v2/tasks/delete?scale=true', { ids }));
    await sim.clock.advance(10_000);
    const { instances, tasks } = await appOf('/x');
    assert.equal(instances, 1);
    assert.equal(tasks.length, 1);
    assert(!ids.includes(tasks[0].id));
  });

  it('that are wiped are forgotten at once and replaced while the old ones still run', async () => {
    await deployed(app('/x', { networks: [{ name: 'prod' }] }));
    const [{ id }] = (await appOf('/x')).tasks;
    await sim.ask('DELETE', '/v2/apps/x/tasks?wipe=true');
    assert.deepEqual((await appOf('/x')).tasks, []);
    assert.equal(sim.sim.world.fleet.containers.size, 1);
    await sim.clock.advance(10_000);
    const [{ id: next }] = (await appOf('/x')).tasks;
    assert.notEqual(next.split('._app')[0], id.split('._app')[0]);
  });

  it('that fail are shown and launched again after a delay', async () => {
    await deployed(app('/x'));
    const [{ id }] = (await appOf('/x')).tasks;
    sim.sim.world.fleet.crash(id, 3);
    const { json } = await sim.ask('GET', '/v2/queue');
    assert.deepEqual(json.queue[0].delay, { timeLeftSeconds: 1, overdue: false });
    const { tasks, lastTaskFailure } = await appOf('/x');
    assert.equal(tasks[0].state, 'TASK_FAILED');
    assert.equal(lastTaskFailure.message, 'Container exited with status 3');
    await sim.clock.advance(10_000);
    assert.equal((await appOf('/x')).tasksRunning, 1);
  });
});

describe('pods', () => {
  it('deploy, show, scale, upgrade and go', async () => {
    const made = await sim.ask('POST', '/v2/pods', pod('/p'));
    assert.equal(made.status, 201);
    assert.equal(made.headers.get('location'), '/p');
    assert(made.headers.get('marathon-deployment-id'));
    await sim.clock.advance(20_000);
    const { status, instances } = (await sim.ask('GET', '/v2/pods/p::status')).json;
    assert.equal(status, 'STABLE');
    assert.equal(instances.length, 2);
    assert.match(instances[0].networks[0].addresses[0], /^192\.0\./);
    assert.equal(sim.pools.held.size, 2);
    assert.equal((await sim.ask('GET', '/v2/pods/::status')).json.length, 1);
    assert.equal((await sim.ask('GET', '/v2/tasks')).json.tasks.length, 0);

    const scaled = await sim.ask(
      'PUT',
      '/v2/pods/p',
      pod('/p', { scaling: { kind: 'fixed', instances: 3 } }),
    );
    assert.equal(scaled.status, 200);
    await sim.clock.advance(20_000);
    assert.equal(sim.pools.held.size, 3);
    const ids = (await sim.ask('GET', '/v2/pods/p::status')).json.instances.map(
      ({ id }: { id: string }) => id,
    );

    await sim.ask('PUT', '/v2/pods/p', pod('/p', { environment: { A: '1' } }));
    await sim.clock.advance(60_000);
    const after = (await sim.ask('GET', '/v2/pods/p::status')).json.instances;
    assert.equal(after.length, 2);
    assert(after.every(({ id }: { id: string }) => !ids.includes(id)));
    const versions = (await sim.ask('GET', '/v2/pods/p::versions')).json;
    assert.equal(versions.length, 3);
    assert.equal(
      (await sim.ask('GET', `/v2/pods/p::versions/${versions[2]}`)).json.environment,
      undefined,
    );

    const gone = await sim.ask('DELETE', '/v2/pods/p');
    assert.equal(gone.status, 202);
    assert.equal(gone.text, '');
    assert.equal(gone.headers.get('location'), gone.headers.get('marathon-deployment-id'));
    await sim.clock.advance(10_000);
    assert.equal(sim.pools.held.size, 0);
    assert.deepEqual((await sim.ask('GET', '/v2/pods')).json, []);
  });

  it('read a wrong count as one', async () => {
    for (const instances of ['5', 2.5])
      assert.equal(
        (
          await sim.ask(
            'PUT',
            '/v2/pods/p?force=true',
            pod('/p', { scaling: { kind: 'fixed', instances } }),
          )
        ).json.scaling.instances,
        1,
      );
  });

  it('relaunch instances that are killed', async () => {
    await deployed(pod('/p'));
    const [{ id }] = (await sim.ask('GET', '/v2/pods/p::status')).json.instances;
    assert.equal((await sim.ask('DELETE', `/v2/pods/p::instances/${id}`)).status, 200);
    assert.equal((await sim.ask('DELETE', '/v2/pods/p::instances', [id])).status, 200);
    await sim.clock.advance(20_000);
    assert.equal((await sim.ask('GET', '/v2/pods/p::status')).json.status, 'STABLE');
  });
});

describe('groups', () => {
  it('hold what is listed and drop the rest', async () => {
    isDeployment(
      await sim.ask('PUT', '/v2/groups/g', {
        apps: [app('a'), app('b')],
        groups: [{ id: 'h', apps: [app('c')] }],
      }),
    );
    await sim.clock.advance(20_000);
    await deployed(pod('/g/p'));
    isDeployment(await sim.ask('PUT', '/v2/groups/g', { apps: [app('a', { instances: 2 })] }));
    await sim.clock.advance(20_000);
    const { apps, groups, pods } = (await sim.ask('GET', '/v2/groups/g')).json;
    assert.deepEqual(
      apps.map(({ id, instances }: { id: string; instances: number }) => [id, instances]),
      [['/g/a', 2]],
    );
    assert.deepEqual(
      groups.map(({ id }: { id: string }) => id),
      ['/g/h'],
    );
    assert.deepEqual(
      pods.map(({ id }: { id: string }) => id),
      ['/g/p'],
    );
    await sim.ask('PUT', '/v2/groups/g', { groups: [] });
    assert.deepEqual((await sim.ask('GET', '/v2/groups/g')).json.groups, []);
  });

  it('scale every app up to whole numbers', async () => {
    await deployed(app('/g/a', { instances: 3 }), app('/g/b', { instances: 0 }), pod('/g/p'));
    isDeployment(await sim.ask('PUT', '/v2/groups/g', { scaleBy: 1.1 }));
    const { apps } = (await sim.ask('GET', '/v2/groups/g')).json;
    assert.deepEqual(
      apps.map(({ instances }: { instances: number }) => instances),
      [4, 0],
    );
  });

  it('plan without doing it on dryRun, which POST does not know', async () => {
    await deployed(app('/g/a'));
    const { status, json, headers } = await sim.ask('PUT', '/v2/groups/g?dryRun=true', {
      apps: [app('b')],
    });
    assert.equal(status, 200);
    assert.equal(headers.get('marathon-deployment-id'), null);
    assert.deepEqual(json.steps, [
      { actions: [{ action: 'StopApplication', app: '/g/a' }] },
      { actions: [{ action: 'StartApplication', app: '/g/b' }] },
      { actions: [{ action: 'ScaleApplication', app: '/g/b' }] },
    ]);
    assert.equal((await sim.ask('GET', '/v2/apps/g/a')).status, 200);
    const made = await sim.ask('POST', '/v2/groups?dryRun=true', { id: '/new', apps: [app('x')] });
    assert.equal(made.status, 201);
    assert.equal(made.headers.get('location'), '/new');
  });

  it('go back to an earlier version', async () => {
    await deployed(app('/g/a', { env: { A: '1' } }));
    const [version] = (await sim.ask('GET', '/v2/groups/g/versions')).json;
    await sim.ask('PUT', '/v2/groups/g', { apps: [app('b')] });
    await sim.clock.advance(20_000);
    assert.equal(
      (await sim.ask('GET', `/v2/groups/g/versions/${version}`)).json.apps[0].id,
      '/g/a',
    );
    isDeployment(await sim.ask('PUT', '/v2/groups/g', { version }));
    const { apps } = (await sim.ask('GET', '/v2/groups/g')).json;
    assert.deepEqual(
      apps.map(({ id }: { id: string }) => id),
      ['/g/a'],
    );
  });

  it('take the id of the body, and only some of those', async () => {
    isDeployment(await sim.ask('PUT', '/v2/groups/a', { id: '/b', apps: [app('x')] }));
    assert.equal((await appOf('/b/x')).id, '/b/x');
    assert.equal((await sim.ask('PUT', '/v2/groups/a', { id: 'c', apps: [app('x')] })).status, 422);
    assert.equal((await sim.ask('PUT', '/v2/groups', { id: '/', apps: [] })).status, 422);
    assert.equal((await sim.ask('PUT', '/v2/groups/g', { groups: [{ apps: [] }] })).status, 500);
  });
});

describe('deployments', () => {
  it('are rolled back by a new one, or only stopped', async () => {
    await deployed(app('/x'));
    await sim.ask('PUT', '/v2/apps/x', { instances: 4 });
    const [{ id, affectedApps, steps, currentStep, totalSteps }] = (
      await sim.ask('GET', '/v2/deployments')
    ).json;
    assert.deepEqual(
      { affectedApps, currentStep, totalSteps },
      { affectedApps: ['/x'], currentStep: 1, totalSteps: 1 },
    );
    assert.deepEqual(steps, [{ actions: [{ action: 'ScaleApplication', app: '/x' }] }]);
    isDeployment(await sim.ask('DELETE', `/v2/deployments/${id}`));
    assert.equal((await appOf('/x')).instances, 1);
    await sim.clock.advance(10_000);

    await sim.ask('PUT', '/v2/apps/x', { instances: 4 });
    const [{ id: second }] = (await sim.ask('GET', '/v2/deployments')).json;
    const stopped = await sim.ask('DELETE', `/v2/deployments/${second}?force=true`);
    assert.equal(stopped.status, 202);
    assert.equal(stopped.text, '');
    assert.equal((await appOf('/x')).instances, 4);
    assert.deepEqual((await sim.ask('GET', '/v2/deployments')).json, []);
  });

  it('bring a deleted app back', async () => {
    await deployed(app('/x'));
    const { json } = await sim.ask('DELETE', '/v2/apps/x');
    isDeployment(await sim.ask('DELETE', `/v2/deployments/${json.deploymentId}`));
    await sim.clock.advance(20_000);
    assert.equal((await appOf('/x')).tasksRunning, 1);
  });

  it('of nothing end at once', async () => {
    await deployed(app('/x'));
    isDeployment(await sim.ask('PUT', '/v2/apps/x', { instances: 1 }));
    assert.deepEqual((await sim.ask('GET', '/v2/deployments')).json, []);
  });
});

describe('the launch queue', () => {
  it('counts what waits and says why offers did not do', async () => {
    await sim.ask('POST', '/v2/apps', app('/x', { cpus: 100, instances: 2 }));
    await sim.clock.advance(5000);
    const { json } = await sim.ask('GET', '/v2/queue?embed=lastUnusedOffers');
    const [item] = json.queue;
    assert.equal(item.app.id, '/x');
    assert.equal(item.count, 2);
    assert.deepEqual(item.delay, { timeLeftSeconds: 0, overdue: true });
    const summary = item.processedOffersSummary;
    assert.equal(summary.rejectSummaryLastOffers.length, 10);
    const cpus = summary.rejectSummaryLastOffers.find(
      ({ reason }: { reason: string }) => reason === 'InsufficientCpus',
    );
    assert.deepEqual(cpus, { reason: 'InsufficientCpus', declined: 6, processed: 6 });
    assert.equal(item.lastUnusedOffers.length, 6);
  });

  it('lets an app go at once when its delay is deleted', async () => {
    await deployed(app('/x', { backoffSeconds: 200 }));
    const [{ id }] = (await appOf('/x')).tasks;
    sim.sim.world.fleet.crash(id, 1);
    await sim.clock.advance(30_000);
    assert.equal((await appOf('/x')).tasksRunning, 0);
    assert.equal((await sim.ask('DELETE', '/v2/queue//x/delay')).status, 204);
    await sim.clock.advance(10_000);
    assert.equal((await appOf('/x')).tasksRunning, 1);
  });
});

describe('the small ones', () => {
  it('ping answers pong', async () => assert.equal((await sim.ask('GET', '/ping')).text, 'pong'));
  it('info names the default network', async () => {
    const { json } = await sim.ask('GET', '/v2/info');
    assert.equal(json.marathon_config.default_network_name, 'prod');
    assert.equal(json.elected, true);
  });
  it('leader is this one, and says so on every answer', async () => {
    const { json, headers } = await sim.ask('GET', '/v2/leader');
    assert.equal(`http://${json.leader}`, sim.marathonUrl);
    assert.equal(headers.get('x-marathon-leader'), sim.marathonUrl);
  });
});
