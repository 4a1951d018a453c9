import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { webApp } from './specs.ts';
import { settled } from './started.ts';

/** The client of the npm registry, as its users load it. It has no types. */
const connect: (url: string) => any = createRequire(import.meta.url)('marathon-node');

let cluster: TestCluster;
let marathon: any;
before(async () => {
  cluster = await startTestCluster({ virtual: true, topology: smallTopology(8) });
  marathon = connect(cluster.gate.url);
});
after(() => cluster.stop());

describe('marathon-node through the gate', { timeout: 400_000 }, () => {
  it('creates, scales, restarts, kills and ends an app', async () => {
    const made = await marathon.app.create(webApp('/shop/web', { instances: 2 }));
    assert.equal(made.id, '/shop/web');
    await settled(cluster, { '/shop/web': 2 });
    assert((await marathon.app.update('/shop/web', { instances: 3 })).deploymentId);
    await settled(cluster, { '/shop/web': 3 });
    const { tasks } = await marathon.app.getTasks('/shop/web');
    assert.equal(tasks.length, 3);
    assert((await marathon.app.restart('/shop/web')).deploymentId);
    await settled(cluster, { '/shop/web': 3 });
    const { versions } = await marathon.app.getVersions('/shop/web');
    assert.equal((await marathon.app.getVersion('/shop/web', versions[0])).instances, 3);
    const [first] = (await marathon.app.getTasks('/shop/web')).tasks;
    assert.equal((await marathon.app.killTask('/shop/web', first.id)).task.id, first.id);
    await cluster.clock?.advance(30_000);
    assert((await marathon.app.destroy('/shop/web')).version);
    await settled(cluster, { '/shop/web': 0 });
    assert.equal(cluster.sim.launchFailures().total, 0);
  });

  it('sees a refusal as what it is: a 422 whose message has the figures', async () => {
    await assert.rejects(
      marathon.app.create(webApp('/shop/big', { instances: 9 })),
      (fault: any) => {
        assert.equal(fault.statusCode, 422);
        assert.match(
          fault.error.message,
          /^cannot launch 9 instances of \/shop\/big .* 8 addresses are free .* 1 short/,
        );
        return true;
      },
    );
  });

  it('works with groups and deployments', async () => {
    const app = webApp('web', { instances: 2 });
    assert((await marathon.groups.create({ id: '/g', apps: [app] })).deploymentId);
    const [deployment] = await marathon.deployments.getList();
    assert.deepEqual(deployment.affectedApps, ['/g/web']);
    await settled(cluster, { '/g/web': 2 });
    const { deploymentId } = await marathon.groups.update('g', { scaleBy: 2 });
    assert((await marathon.deployments.destroy(deploymentId)).deploymentId);
    await assert.rejects(marathon.groups.update('g', { scaleBy: 10 }), { statusCode: 422 });
    assert((await marathon.groups.destroy('g', true)).version);
    await settled(cluster, { '/g/web': 0 });
  });

  it('reads queue, info and ping, and sees what Marathon answers 404', async () => {
    assert.deepEqual((await marathon.queue.get()).queue, []);
    assert.equal((await marathon.info.get()).name, 'marathon');
    assert.equal(await marathon.misc.ping(), 'pong');
    await assert.rejects(marathon.app.getOne('/none'), { statusCode: 404 });
  });

  it('hears events', async () => {
    const stream = marathon.events.createEventSource({ eventType: ['deployment_success'] });
    await new Promise((resolve) => stream.addEventListener('open', resolve));
    const heard = new Promise<any>((resolve) =>
      stream.addEventListener('deployment_success', resolve),
    );
    await marathon.app.create(webApp('/once'));
    await settled(cluster, { '/once': 1 });
    const { plan } = JSON.parse((await heard).data);
    assert.deepEqual(plan.steps.at(-1), {
      actions: [{ action: 'ScaleApplication', app: '/once' }],
    });
    stream.close();
  });
});
