import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { smallNodes, startTestCluster, type TestCluster } from './cluster.ts';
import { twoRacks } from './two-racks.ts';
import { webApp, webPod } from './specs.ts';

async function withRackFull(
  use: (cluster: TestCluster) => Promise<void>,
  { reroute = true, failures = 0 } = {},
): Promise<void> {
  const cluster = await startTestCluster({
    topology: twoRacks,
    nodes: smallNodes(),
    settings: { gate: { reroute } },
  });
  try {
    const constraints = [['rack', 'LIKE', 'r1']];
    const full = webApp('/full', { instances: 2, constraints });
    assert.equal((await cluster.request('POST', '/v2/apps', full)).status, 201);
    await settled(cluster);
    await use(cluster);
    if (reroute) assert.ok(cluster.sim.launchFailures().total <= failures);
  } finally {
    await cluster.stop();
  }
}

const settled = (cluster: TestCluster): Promise<void> =>
  cluster.until(async () => {
    const { json } = await cluster.direct('GET', '/v2/deployments');
    return json.length === 0 && (await cluster.reservations()).size === 0;
  }, 'no deployment runs and nothing is promised');

const app = async (cluster: TestCluster, id: string) =>
  (await cluster.direct('GET', `/v2/apps${id}`)).json.app;
const lastBody = (cluster: TestCluster) =>
  JSON.parse(cluster.arrived().at(-1)?.body.toString() ?? 'null');
const file = (more = {}) =>
  webApp('/web', { instances: 2, constraints: [['hostname', 'MAX_PER', '9']], ...more });

describe('steering away from nodes without room', { timeout: 400_000 }, () => {
  it('adds constraints to a new app, behind its own, and remembers them', () =>
    withRackFull(async (cluster) => {
      const answer = await cluster.request('POST', '/v2/apps', file());
      assert.equal(answer.status, 201, answer.text);
      assert.match(answer.headers.get('corral-verdict') ?? '', /^reroute; id=/);
      const { constraints } = await app(cluster, '/web');
      assert.deepEqual(constraints[0], ['hostname', 'MAX_PER', '9']);
      assert.equal(constraints.length, 2);
      assert.deepEqual(cluster.gate.view.injected.get('/web')?.constraints, constraints.slice(1));
      await settled(cluster);
    }));

  it('sends them again, byte for byte, when the client sends its own file with another count', () =>
    withRackFull(async (cluster) => {
      await cluster.request('POST', '/v2/apps', file());
      await settled(cluster);
      const before = await app(cluster, '/web');
      const answer = await cluster.request('PUT', '/v2/apps/web', file({ instances: 4 }));
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(lastBody(cluster).constraints, before.constraints);
      await settled(cluster);
      const now = await app(cluster, '/web');
      assert.deepEqual(now.versionInfo.lastConfigChangeAt, before.versionInfo.lastConfigChangeAt);
      assert.equal(now.tasksRunning, 4);
    }));

  it('adds none to a pure scale', () =>
    withRackFull(
      async (cluster) => {
        await cluster.request('DELETE', '/v2/apps/full?force=true');
        await settled(cluster);
        await cluster.request('POST', '/v2/apps', file());
        await settled(cluster);
        const { constraints } = await app(cluster, '/web');
        const answer = await cluster.request('PUT', '/v2/apps/web', { instances: 3 });
        assert.ok(answer.status === 200 || answer.status === 422, answer.text);
        assert.equal(lastBody(cluster).constraints, undefined);
        assert.deepEqual((await app(cluster, '/web')).constraints, constraints);
        // Constraints would restart what runs. Marathon may try a full node first; the fence ends that.
      },
      { failures: 10 },
    ));

  it('takes them out with an upgrade once there is room again', () =>
    withRackFull(async (cluster) => {
      await cluster.request('POST', '/v2/apps', file());
      await settled(cluster);
      await cluster.request('DELETE', '/v2/apps/full?force=true');
      await cluster.until(async () => (await cluster.leases()).length === 2, 'rack r1 is empty');
      await settled(cluster);
      const bigger = file({ cmd: 'sleep 2000', constraints: [['rack', 'LIKE', 'r2']] });
      const answer = await cluster.request('PUT', '/v2/apps/web', bigger);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual((await app(cluster, '/web')).constraints, [['rack', 'LIKE', 'r2']]);
      await cluster.until(() => !cluster.gate.view.injected.has('/web'), 'they are forgotten');
    }));

  it('remembers them again when Marathon refuses the upgrade that took them out', () =>
    withRackFull(async (cluster) => {
      await cluster.request('POST', '/v2/apps', file());
      await settled(cluster);
      const injected = cluster.gate.view.injected.get('/web');
      assert.ok(injected);
      cluster.intercept((seen, res) => {
        if (seen.method !== 'PUT') return false;
        res.writeHead(409, { 'Content-Type': 'application/json' });
        res.end('{"message":"locked"}');
        return true;
      });
      for (const upgrade of [
        file({ cmd: 'sleep 2000', constraints: [['rack', 'LIKE', 'r2']] }),
        file({ cmd: 'sleep 2000', networks: [{ mode: 'host' }] }),
      ]) {
        const answer = await cluster.request('PUT', '/v2/apps/web', upgrade);
        assert.equal(answer.status, 409, answer.text);
        await cluster.until(
          () => cluster.gate.view.injected.get('/web')?.sinceMs === injected.sinceMs,
          'they are remembered as they were',
        );
      }
      assert.equal((await cluster.reservations()).size, 0);
    }));

  it('steers pods', () =>
    withRackFull(async (cluster) => {
      const answer = await cluster.request('POST', '/v2/pods', webPod('/pod', 2));
      assert.equal(answer.status, 201, answer.text);
      assert.match(answer.headers.get('corral-verdict') ?? '', /^reroute/);
      const { scheduling } = lastBody(cluster);
      assert.equal(scheduling.placement.constraints.length, 1);
      await cluster.until(() => cluster.gate.view.snapshot.heldBy('/pod') === 2, 'both run');
    }));

  it('can be switched off', () =>
    withRackFull(
      async (cluster) => {
        const answer = await cluster.request('POST', '/v2/apps', file());
        assert.equal(answer.status, 201, answer.text);
        assert.match(answer.headers.get('corral-verdict') ?? '', /^admit/);
        assert.deepEqual(lastBody(cluster).constraints, [['hostname', 'MAX_PER', '9']]);
      },
      { reroute: false },
    ));
});
