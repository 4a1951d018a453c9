import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { openSim, type OpenSim } from './stage.ts';

/** The client of the npm registry, as its users load it. It has no types. */
const connect: (url: string) => any = createRequire(import.meta.url)('marathon-node');

let sim: OpenSim;
let marathon: any;
before(async () => {
  sim = await openSim();
  marathon = connect(sim.marathonUrl);
});
after(() => sim.sim.stop());

describe('marathon-node against the simulated cluster', () => {
  it('creates, shows, scales, restarts and ends an app', async () => {
    const made = await marathon.app.create({
      id: '/shop/web',
      cmd: 'sleep 100',
      cpus: 0.1,
      mem: 16,
      instances: 2,
    });
    assert.equal(made.id, '/shop/web');
    await sim.clock.advance(20_000);
    assert.equal((await marathon.app.getList()).apps.length, 1);
    assert.equal((await marathon.app.getOne('/shop/web')).app.tasksRunning, 2);
    assert((await marathon.app.update('/shop/web', { instances: 3 })).deploymentId);
    await sim.clock.advance(20_000);
    const { tasks } = await marathon.app.getTasks('/shop/web');
    assert.equal(tasks.length, 3);
    assert.equal((await marathon.app.killTask('/shop/web', tasks[0].id)).task.id, tasks[0].id);
    await sim.clock.advance(20_000);
    assert((await marathon.app.restart('/shop/web')).deploymentId);
    await sim.clock.advance(60_000);
    const { versions } = await marathon.app.getVersions('/shop/web');
    assert.equal((await marathon.app.getVersion('/shop/web', versions[0])).instances, 3);
    assert.equal((await marathon.tasks.getList()).tasks.length, 3);
    assert((await marathon.tasks.kill({ ids: [] })).tasks);
    assert((await marathon.app.destroy('/shop/web')).version);
    await sim.clock.advance(20_000);
    assert.deepEqual((await marathon.app.getList()).apps, []);
  });

  it('works with groups and deployments', async () => {
    const app = { id: 'web', cmd: 'sleep 100', cpus: 0.1, mem: 16, instances: 1 };
    assert((await marathon.groups.create({ id: '/g', apps: [app] })).deploymentId);
    const [deployment] = await marathon.deployments.getList();
    assert.deepEqual(deployment.affectedApps, ['/g/web']);
    await sim.clock.advance(20_000);
    assert.equal((await marathon.groups.getOne('g')).apps.length, 1);
    const { deploymentId } = await marathon.groups.update('g', { scaleBy: 2 });
    assert((await marathon.deployments.destroy(deploymentId)).deploymentId);
    assert((await marathon.groups.destroy('g', true)).version);
    await sim.clock.advance(20_000);
    assert.deepEqual((await marathon.groups.getList()).apps, []);
  });

  it('reads the queue, the leader, the info and pings', async () => {
    assert.deepEqual((await marathon.queue.get()).queue, []);
    assert.equal((await marathon.info.get()).name, 'marathon');
    assert.equal(`http://${(await marathon.leader.get()).leader}`, sim.marathonUrl);
    assert.equal(await marathon.misc.ping(), 'pong');
  });

  it('sees a refusal with its message', async () => {
    await assert.rejects(marathon.app.getOne('/none'), (fault: any) => {
      assert.equal(fault.statusCode, 404);
      assert.equal(fault.error.message, "App '/none' does not exist");
      return true;
    });
  });

  it('hears events', async () => {
    const stream = marathon.events.createEventSource({ eventType: ['deployment_success'] });
    await new Promise((resolve) => stream.addEventListener('open', resolve));
    const heard = new Promise<any>((resolve) =>
      stream.addEventListener('deployment_success', resolve),
    );
    await marathon.app.create({ id: '/once', cmd: 'sleep 100', cpus: 0.1, mem: 16 });
    await sim.clock.advance(20_000);
    const { plan } = JSON.parse((await heard).data);
    assert.deepEqual(plan.steps.at(-1), {
      actions: [{ action: 'ScaleApplication', app: '/once' }],
    });
    stream.close();
  });
});
