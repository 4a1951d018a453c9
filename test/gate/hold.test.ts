import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { webApp } from './specs.ts';

const waiting = { labels: { CORRAL_HOLD: 'true' } };

async function withRoomFor(
  addresses: number,
  use: (cluster: TestCluster) => Promise<void>,
  hold: 'never' | 'label' | 'always' = 'label',
): Promise<void> {
  const cluster = await startTestCluster({
    topology: smallTopology(addresses),
    settings: { gate: { hold } },
  });
  try {
    await use(cluster);
    assert.equal(cluster.sim.launchFailures().total, 0);
  } finally {
    await cluster.stop();
  }
}

const instancesOf = async (cluster: TestCluster, app: string): Promise<number> =>
  (await cluster.direct('GET', `/v2/apps${app}`)).json.app.instances;
/** So many hold their addresses, and Marathon is done with them. */
const runs = async (cluster: TestCluster, app: string, count: number): Promise<void> => {
  await cluster.until(
    () => cluster.gate.view.snapshot.heldBy(app) === count,
    `${count} instances of ${app} run`,
  );
  await cluster.idle();
};
const launch = async (cluster: TestCluster, app: string, instances: number, more = {}) => {
  const answer = await cluster.request('POST', '/v2/apps', webApp(app, { instances, ...more }));
  assert.equal(answer.status, 201, answer.text);
  return answer;
};

describe('an app that may wait for room', { timeout: 400_000 }, () => {
  it('starts with what fits, and the rest follows when room returns', () =>
    withRoomFor(8, async (cluster) => {
      await launch(cluster, '/other', 5);
      await runs(cluster, '/other', 5);
      const answer = await launch(cluster, '/web', 6, waiting);
      assert.match(answer.headers.get('corral-verdict') ?? '', /^hold; id=/);
      assert.equal(await instancesOf(cluster, '/web'), 3);
      await cluster.until(() => cluster.gate.view.held.has('/web'), 'it is listed');
      const { wanted, allowed, why } = cluster.gate.view.held.get('/web') ?? {};
      assert.deepEqual([wanted, allowed], [6, 3]);
      assert.match(why ?? '', /3 short/);
      await runs(cluster, '/web', 3);
      await cluster.request('DELETE', '/v2/apps/other?force=true');
      await runs(cluster, '/web', 6);
      await cluster.until(() => !cluster.gate.view.held.has('/web'), 'it waits no longer');
    }));

  it('may start with nothing at all; the oldest is served first', () =>
    withRoomFor(4, async (cluster) => {
      await launch(cluster, '/other', 4);
      await runs(cluster, '/other', 4);
      await launch(cluster, '/older', 1, waiting);
      await launch(cluster, '/younger', 4, waiting);
      assert.equal(await instancesOf(cluster, '/older'), 0);
      // one: addresses come back one by one, and while its deployment is at work the older one cannot take the next
      const fewer = await cluster.request('PUT', '/v2/apps/other', { instances: 3 });
      assert.equal(fewer.status, 200, fewer.text);
      await runs(cluster, '/older', 1);
      assert.equal(await instancesOf(cluster, '/younger'), 0);
      await cluster.request('DELETE', '/v2/apps/other?force=true');
      await runs(cluster, '/younger', 3);
    }));

  it('is left alone once somebody scales or deletes it', () =>
    withRoomFor(4, async (cluster) => {
      await launch(cluster, '/other', 2);
      await runs(cluster, '/other', 2);
      await launch(cluster, '/scaled', 4, waiting);
      await launch(cluster, '/deleted', 3, waiting);
      await runs(cluster, '/scaled', 2);
      assert.equal((await cluster.request('PUT', '/v2/apps/scaled', { instances: 1 })).status, 200);
      assert.equal((await cluster.request('DELETE', '/v2/apps/deleted')).status, 200);
      await cluster.until(() => cluster.gate.view.held.size === 0, 'nobody waits');
      assert.equal(await instancesOf(cluster, '/scaled'), 1);
    }));

  it('has all of its instances once it is changed to need no address', () =>
    withRoomFor(2, async (cluster) => {
      await launch(cluster, '/web', 3, waiting);
      await runs(cluster, '/web', 2);
      const change = { networks: [{ mode: 'host' }] };
      const changed = await cluster.request('PUT', '/v2/apps/web', change);
      assert.equal(changed.status, 200, changed.text);
      await cluster.until(() => !cluster.gate.view.held.has('/web'), 'it waits no longer');
      assert.equal(await instancesOf(cluster, '/web'), 3);
    }));

  it('is refused like any other where waiting is not allowed', () =>
    withRoomFor(
      2,
      async (cluster) => {
        const spec = webApp('/web', { instances: 3, ...waiting });
        assert.equal((await cluster.request('POST', '/v2/apps', spec)).status, 422);
      },
      'never',
    ));

  it('needs no label where everything waits', () =>
    withRoomFor(
      2,
      async (cluster) => {
        await launch(cluster, '/web', 3);
        assert.equal(await instancesOf(cluster, '/web'), 2);
      },
      'always',
    ));
});
