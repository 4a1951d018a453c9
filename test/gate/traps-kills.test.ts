import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import {
  smallNodes,
  smallTopology,
  startTestCluster,
  type TestCluster,
  type TestClusterOptions,
} from './cluster.ts';
import { webApp } from './specs.ts';
import { promisedBelow, settled, started, verdictOf } from './started.ts';

let cluster: TestCluster;
const start = async (addresses: number, more: TestClusterOptions = {}): Promise<void> => {
  cluster = await startTestCluster({ virtual: true, topology: smallTopology(addresses), ...more });
};
afterEach(() => cluster.stop());

const heldBy = async (id: string): Promise<number> =>
  (await cluster.leases()).filter(({ app }) => app === id).length;

describe('changes without a definition', () => {
  it('trap 7: a restart needs room for the old and the new, a kill has its own', async () => {
    await start(5);
    await started(cluster, webApp('/t7/web', { instances: 3 }));
    const restart = await cluster.request('POST', '/v2/apps/t7/web/restart');
    assert.equal(restart.status, 422);
    assert.match(restart.json.message as string, /^cannot launch 3 instances of \/t7\/web/);
    const kill = await cluster.request('DELETE', '/v2/apps/t7/web/tasks');
    assert.equal(kill.status, 200, kill.text);
    assert.deepEqual(await promisedBelow(cluster, '/t7'), { '/t7/web': 3 });
    // Wiped, the old processes may overlap with the new ones: that is three more.
    const wipe = await cluster.request('DELETE', '/v2/apps/t7/web/tasks?wipe=true');
    assert.equal(wipe.status, 422);
  });

  for (const { says, addresses, strategy, atOnce } of [
    { says: 'says so', addresses: 3, strategy: [0, 0], atOnce: 3 },
    { says: 'does not when some are spare', addresses: 4, strategy: [0, 0], atOnce: undefined },
    {
      says: 'nor does one that keeps some up',
      addresses: 3,
      strategy: [0.5, 0],
      atOnce: undefined,
    },
  ])
    it(`an upgrade whose instances come back at once to addresses that rest ${says}`, async () => {
      await start(addresses);
      const [minimumHealthCapacity, maximumOverCapacity] = strategy;
      const upgradeStrategy = { minimumHealthCapacity, maximumOverCapacity };
      await started(cluster, webApp('/late', { instances: 3, upgradeStrategy }));
      const upgrade = await cluster.request('PUT', '/v2/apps/late', { cmd: 'sleep 2000' });
      assert.equal(upgrade.status, 200, upgrade.text);
      assert.equal((await cluster.reservations()).get('/late')?.atOnce, atOnce);
    });

  for (const { says, addresses, wipe, atOnce } of [
    { says: 'a kill too', addresses: 3, wipe: false, atOnce: 3 },
    { says: 'but not of what is wiped, which has room', addresses: 6, wipe: true },
  ])
    it(`${says} (core/at-once.ts)`, async () => {
      await start(addresses);
      await started(cluster, webApp('/late', { instances: 3 }));
      const kill = await cluster.request('DELETE', `/v2/apps/late/tasks?wipe=${wipe}`);
      assert.equal(kill.status, 200, kill.text);
      assert.equal((await cluster.reservations()).get('/late')?.atOnce, atOnce);
    });

  it('trap 8: undoing a scale-down raises demand again, so it is judged', async () => {
    await start(6);
    await started(cluster, webApp('/t8/web', { instances: 3 }));
    const down = await cluster.request('PUT', '/v2/apps/t8/web', { instances: 1 });
    assert.equal(down.status, 200);
    const undo = `/v2/deployments/${down.json.deploymentId as string}`;
    const known = cluster.arrived().length;
    const answer = await cluster.request('DELETE', undo);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(verdictOf(answer), 'admit');
    assert.equal(cluster.arrived().length, known + 1);
    assert(((await promisedBelow(cluster, '/t8'))['/t8/web'] ?? 0) >= 3);
  });
});

describe('instances beyond their number', () => {
  it('trap 19: the address of an unreachable task is still held, so it is not counted on', async () => {
    await start(8);
    await started(cluster, webApp('/t19/web', { instances: 3 }));
    const { fleet } = cluster.sim.world;
    const lost = [...fleet.containers.values()][0];
    assert(lost);
    const alone = [...fleet.containers.values()].filter(
      ({ order: { node } }) => node === lost.order.node,
    ).length;
    fleet.partition(lost.order.node);
    await settled(cluster, { '/t19/web': 3 + alone });
    const free = 8 - 3 - alone;
    const over = await cluster.request('PUT', '/v2/apps/t19/web', { instances: 3 + free + 1 });
    assert.equal(over.status, 422, over.text);
    const fits = await cluster.request('PUT', '/v2/apps/t19/web', { instances: 3 + free });
    assert.equal(fits.status, 200, fits.text);
  });

  it('trap 20: a dying task holds its address, whatever the deployment says', async () => {
    await start(4, { timing: { killMs: 600_000 } });
    await started(cluster, webApp('/t20/web', { instances: 2 }));
    const stop = await cluster.request('PUT', '/v2/apps/t20/web', { instances: 0 });
    assert.equal(stop.status, 200);
    await cluster.clock?.advance(1_000);
    assert.equal(await heldBy('/t20/web'), 2);
    const path = '/v2/apps/t20/web?force=true';
    const over = await cluster.request('PUT', path, { instances: 3 });
    assert.equal(over.status, 422, over.text);
    const fits = await cluster.request('PUT', path, { instances: 2 });
    assert.equal(fits.status, 200, fits.text);
    await cluster.clock?.advance(60_000);
    assert.equal(cluster.sim.failuresPerMinute(), 0);
  });

  it('trap 33: a crash loop uses its own addresses again, not those promised to others', async () => {
    await start(4, { nodes: smallNodes(1), topology: smallTopology(4, 1) });
    await started(cluster, webApp('/t33/web', { instances: 2 }));
    const other = await cluster.request('POST', '/v2/apps', webApp('/t33/other', { instances: 2 }));
    assert.equal(other.status, 201, other.text);
    const { fleet } = cluster.sim.world;
    for (let round = 0; round < 5; round += 1) {
      for (const { task, order, state } of fleet.containers.values())
        if (order.spec.id === '/t33/web' && state === 'TASK_RUNNING') fleet.crash(task, 1);
      await cluster.clock?.advance(30_000);
      assert.equal(await heldBy('/t33/web'), 2);
    }
    assert.equal(await heldBy('/t33/other'), 2);
    assert.equal(cluster.sim.launchFailures().total, 0);
    const third = await cluster.request('POST', '/v2/apps', webApp('/t33/third'));
    assert.equal(third.status, 422);
  });
});
