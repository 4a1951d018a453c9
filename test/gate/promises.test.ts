import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { startTestCluster, smallTopology, type TestCluster } from './cluster.ts';
import type { Intercept } from './recorder.ts';
import { webApp } from './specs.ts';

const isChange = (method: string): boolean => method === 'POST' || method === 'PUT';

/** Marathon's answer to the next change, whatever it is. */
const answering =
  (status: number, body: unknown = { message: 'no' }): Intercept =>
  (seen, res) => {
    if (!isChange(seen.method)) return false;
    res.writeHead(status, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify(body));
    return true;
  };

/** The change reaches Marathon; its answer never reaches the gate. */
const losingTheAnswer =
  (marathonUrl: () => string): Intercept =>
  async (seen, res) => {
    if (!isChange(seen.method)) return false;
    const { body } = seen;
    await fetch(`${marathonUrl()}${seen.target}`, {
      method: seen.method,
      body: new Uint8Array(body),
      headers: { 'Content-Type': 'application/json' },
    });
    res.destroy();
    return true;
  };

describe('a promise and the answer of Marathon', { timeout: 400_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      topology: smallTopology(12),
      // for the one whose outcome is unknown; a change that is not sent within half of it is given back
      settings: { gate: { reservationKeptMs: 20_000 } },
      virtual: true, // a deployment lasts until the test lets time pass
    });
  });
  after(() => cluster.stop());

  const promiseTo = async (app: string) => (await cluster.reservations()).get(app);
  const gone = (app: string) =>
    cluster.until(async () => !(await promiseTo(app)), `the promise to ${app} ends`);
  const done = () => cluster.clock?.advance(2_000);
  const free = () => cluster.gate.view.snapshot.pools()[0]?.free;

  for (const status of [401, 403, 409, 422])
    it(`trap 27: gives the room back before the client has read a ${status}`, async () => {
      cluster.intercept(answering(status));
      const room = free();
      const answer = await cluster.request(
        'POST',
        '/v2/apps',
        webApp('/refused', { instances: 5 }),
      );
      const left = await cluster.reservations();
      cluster.intercept(undefined);
      assert.equal(answer.status, status);
      assert.equal(left.has('/refused'), false);
      await cluster.until(() => free() === room, 'the room is whole again');
    });

  it('trap 27: keeps the room when Marathon says 500, and ends it after the grace when nothing came of it', async () => {
    cluster.intercept(answering(500));
    const answer = await cluster.request('POST', '/v2/apps', webApp('/lost', { instances: 2 }));
    cluster.intercept(undefined);
    assert.equal(answer.status, 500);
    const promise = await promiseTo('/lost');
    assert.equal(promise?.target, 2);
    assert.equal(promise?.deployment, undefined);
    await gone('/lost');
  });

  it('trap 27: finds the deployment whose answer was lost, and keeps the room for it', async () => {
    cluster.intercept(losingTheAnswer(() => cluster.sim.marathonUrls[0] ?? ''));
    const answer = await cluster.request('POST', '/v2/apps', webApp('/adopted', { instances: 2 }));
    cluster.intercept(undefined);
    assert.equal(answer.status, 502);
    await cluster.until(
      async () => (await promiseTo('/adopted'))?.deployment !== undefined,
      'the promise learns its deployment',
    );
    await done();
    await gone('/adopted');
    assert.equal(cluster.gate.view.snapshot.heldBy('/adopted'), 2);
    await cluster.request('DELETE', '/v2/apps/adopted');
    await done();
  });

  it('trap 26: is made once for a change that is sent again', async () => {
    cluster.intercept(losingTheAnswer(() => cluster.sim.marathonUrls[0] ?? ''));
    const room = free() ?? 0;
    const first = await cluster.request('POST', '/v2/apps', webApp('/again', { instances: 4 }));
    cluster.intercept(undefined);
    const second = await cluster.request('POST', '/v2/apps', webApp('/again', { instances: 4 }));
    assert.equal(first.status, 502);
    assert.equal(second.status, 409, 'the first one was taken on');
    assert.match(second.json.message, /already exists/);
    assert.equal((await promiseTo('/again'))?.target, 4);
    await cluster.until(() => free() === room - 4, 'four addresses are set aside, not eight');
    await done();
    await gone('/again');
    await cluster.request('DELETE', '/v2/apps/again');
    await done();
    await cluster.until(() => free() === room, 'the room is whole again');
  });

  it('of an earlier change is restored when a later one is refused', async () => {
    const created = await cluster.request('POST', '/v2/apps', webApp('/twice', { instances: 2 }));
    assert.equal(created.status, 201);
    const earlier = await promiseTo('/twice');
    const locked = await cluster.request('PUT', '/v2/apps/twice', { instances: 4 });
    assert.equal(locked.status, 409);
    assert.deepEqual(await promiseTo('/twice'), earlier);
    await done();
    await gone('/twice');
    await cluster.request('DELETE', '/v2/apps/twice');
    await done();
  });

  it('stands when the same definition is sent again while its deployment runs', async () => {
    const spec = webApp('/same', { instances: 2 });
    await cluster.request('POST', '/v2/apps', spec);
    await done();
    await gone('/same');
    const upgraded = { ...spec, cmd: 'sleep 2000' };
    await cluster.request('PUT', '/v2/apps/same', upgraded);
    const running = await promiseTo('/same');
    assert.equal(running?.target, 4);
    const again = await cluster.request('PUT', '/v2/apps/same', upgraded);
    assert.equal(again.status, 200);
    assert.deepEqual(await promiseTo('/same'), running);
    await done();
    await gone('/same');
    await cluster.request('DELETE', '/v2/apps/same');
    await done();
  });

  it('is not left behind by a client that leaves while its change is judged', async () => {
    let reading: (() => void) | undefined;
    const read = new Promise<void>((resolve) => (reading = resolve));
    let letGo: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    cluster.intercept(async ({ target }) => {
      if (target.includes('/left')) {
        reading?.();
        await held;
      }
      return false;
    });
    const arrived = cluster.arrived().length;
    const client = request(`${cluster.gate.url}/v2/apps`, { method: 'POST' });
    client.on('error', () => undefined);
    client.end(JSON.stringify(webApp('/left')));
    await read;
    const closed = new Promise((resolve) => client.on('close', resolve));
    client.destroy();
    await closed;
    letGo?.();
    const marker = await cluster.request('POST', '/v2/apps', webApp('/marker'));
    cluster.intercept(undefined);
    assert.equal(marker.status, 201);
    await gone('/left');
    assert.deepEqual(
      cluster
        .arrived()
        .slice(arrived)
        .map(({ body }) => JSON.parse(body.toString()).id),
      ['/marker'],
    );
    await done();
    await gone('/marker');
    await cluster.request('DELETE', '/v2/apps/marker');
    await done();
  });
});

describe('a promise and its end', { timeout: 400_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      topology: smallTopology(12),
      virtual: true,
    });
  });
  after(() => cluster.stop());

  const promiseTo = async (app: string) => (await cluster.reservations()).get(app);
  const gone = (app: string) =>
    cluster.until(async () => !(await promiseTo(app)), `the promise to ${app} ends`);
  const done = () => cluster.clock?.advance(2_000);
  const deploymentOf = async (app: string): Promise<string | undefined> => {
    const { json } = await cluster.direct('GET', '/v2/deployments');
    return json.find((one: { affectedApps: string[] }) => one.affectedApps.includes(app))?.id;
  };

  it('trap 28: comes when its instances hold their leases, not when Marathon says 201', async () => {
    await cluster.request('POST', '/v2/apps', webApp('/leases', { instances: 3 }));
    assert.equal((await promiseTo('/leases'))?.until, 'leases');
    await done();
    await gone('/leases');
    assert.equal(cluster.gate.view.snapshot.heldBy('/leases'), 3);
    await cluster.request('DELETE', '/v2/apps/leases');
    await done();
  });

  it('comes when its deployment is cancelled', async () => {
    await cluster.request('POST', '/v2/apps', webApp('/stopped', { instances: 2 }));
    const id = await deploymentOf('/stopped');
    assert.equal((await promiseTo('/stopped'))?.deployment, id);
    const ended = await cluster.request('DELETE', `/v2/deployments/${id}?force=true`);
    assert.ok(ended.status < 300, ended.text);
    await gone('/stopped');
    await cluster.request('DELETE', '/v2/apps/stopped?force=true');
    await done();
  });

  it('comes with the app: deleting it ends the promise', async () => {
    await cluster.request('POST', '/v2/apps', webApp('/deleted', { instances: 4 }));
    assert.ok(await promiseTo('/deleted'));
    await cluster.request('DELETE', '/v2/apps/deleted?force=true');
    await gone('/deleted');
    await done();
  });

  it('comes nearer when a running scale-up is scaled down: the rest stays promised', async () => {
    await cluster.request('POST', '/v2/apps', webApp('/shrunk', { instances: 8 }));
    const less = await cluster.request('PUT', '/v2/apps/shrunk?force=true', { instances: 3 });
    assert.equal(less.status, 200);
    const promise = await promiseTo('/shrunk');
    assert.equal(promise?.target, 3);
    assert.equal(promise?.deployment, await deploymentOf('/shrunk'));
    await done();
    await gone('/shrunk');
    await cluster.until(() => cluster.gate.view.snapshot.heldBy('/shrunk') === 3, 'three run');
    await cluster.request('DELETE', '/v2/apps/shrunk');
    await done();
  });

  it('is not brought about by the deployment that its own has overridden', async () => {
    await cluster.request('POST', '/v2/apps', webApp('/forced', { instances: 2 }));
    const overridden = await deploymentOf('/forced');
    let asked = 0;
    cluster.intercept(async ({ method, target }, res) => {
      if (method === 'PUT') await cluster.until(() => asked > 0, 'the keeper asks');
      if (method !== 'GET' || target !== '/v2/deployments') return false;
      asked += 1;
      if (asked > 1) return false;
      const { text } = await cluster.direct('GET', target);
      const isSettled = async (): Promise<boolean> =>
        ![undefined, overridden].includes((await promiseTo('/forced'))?.deployment);
      await cluster.until(isSettled, 'Marathon has answered');
      res.writeHead(200, { 'Content-Type': 'application/json' }).end(text);
      return true;
    });
    const more = await cluster.request('PUT', '/v2/apps/forced?force=true', { instances: 4 });
    assert.equal(more.status, 200, more.text);
    const own = await deploymentOf('/forced');
    const told: (string | undefined)[] = [];
    await cluster.until(async () => {
      told.push((await promiseTo('/forced'))?.deployment);
      return asked >= 3;
    }, 'the keeper has looked at it');
    cluster.intercept(undefined);
    assert.deepEqual([...new Set(told)], [own]);
    await done();
    await gone('/forced');
    await cluster.request('DELETE', '/v2/apps/forced');
    await done();
  });

  it('is not brought nearer by the late answer to an earlier scale-down', async () => {
    await cluster.request('POST', '/v2/apps', webApp('/late', { instances: 2 }));
    await done();
    await gone('/late');
    let release = (): void => undefined;
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    let isTaken = false;
    cluster.intercept(async ({ method, target, body }, res) => {
      if (method !== 'PUT' || isTaken) return false;
      const { status, text } = await cluster.direct(method, target, body.toString());
      isTaken = true;
      await isReleased;
      res.writeHead(status, { 'Content-Type': 'application/json' }).end(text);
      return true;
    });
    const fewer = cluster.request('PUT', '/v2/apps/late', { instances: 1 });
    await cluster.until(() => isTaken, 'Marathon has taken it on');
    await done();
    const more = await cluster.request('PUT', '/v2/apps/late', { instances: 4 });
    assert.equal(more.status, 200, more.text);
    release();
    assert.equal((await fewer).status, 200);
    assert.equal((await promiseTo('/late'))?.target, 4);
    cluster.intercept(undefined);
    await done();
    await gone('/late');
    await cluster.request('DELETE', '/v2/apps/late');
    await done();
  });

  it('waits for the whole of a rolling restart', async () => {
    await cluster.request('POST', '/v2/apps', webApp('/rolled', { instances: 3 }));
    await done();
    await gone('/rolled');
    const restarted = await cluster.request('POST', '/v2/apps/rolled/restart');
    assert.equal(restarted.status, 200);
    const promise = await promiseTo('/rolled');
    assert.deepEqual([promise?.until, promise?.target], ['deployment', 6]);
    await done();
    await gone('/rolled');
    assert.equal(await deploymentOf('/rolled'), undefined);
    await cluster.request('DELETE', '/v2/apps/rolled');
    await done();
  });

  it('keeps the room of killed instances for their relaunch', async () => {
    await cluster.request('POST', '/v2/apps', webApp('/killed', { instances: 12 }));
    await done();
    await gone('/killed');
    const killed = await cluster.request('DELETE', '/v2/apps/killed/tasks');
    assert.equal(killed.status, 200);
    assert.equal((await promiseTo('/killed'))?.until, 'deadline');
    for (let held = 12; held === 12; held = (await cluster.leases()).length)
      await cluster.clock?.advance(1);
    await cluster.until(
      () => cluster.gate.view.snapshot.heldBy('/killed') < 12,
      'addresses are free',
    );
    const rival = await cluster.request('POST', '/v2/apps', webApp('/rival'));
    assert.equal(rival.status, 422, 'what is free is promised');
    await done();
    await cluster.until(() => cluster.gate.view.snapshot.heldBy('/killed') === 12, 'all are back');
    assert.equal(cluster.sim.launchFailures().total, 0);
    await cluster.request('DELETE', '/v2/apps/killed');
    await done();
    await gone('/killed');
  });
});
