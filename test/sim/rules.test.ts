import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { demoNodes } from '../../src/sim/topology.ts';
import { openSim, type OpenSim } from './stage.ts';

const app = (more: object = {}) => ({
  id: '/x',
  cmd: 'sleep 100',
  cpus: 0.1,
  mem: 16,
  instances: 1,
  ...more,
});

let opened: OpenSim | undefined;
const open = async (...how: Parameters<typeof openSim>): Promise<OpenSim> =>
  (opened = await openSim(...how));
afterEach(async () => {
  await opened?.sim.stop();
  assert.deepEqual(opened?.faults ?? [], []);
  opened = undefined;
});

const living = ({ sim }: OpenSim) => [...sim.world.fleet.containers.values()];

describe('the scheduler', () => {
  it('does not count instances of the old configuration: UNIQUE holds two on a host meanwhile', async () => {
    const world = await open({ nodes: demoNodes().slice(0, 1) });
    await world.ask('POST', '/v2/apps', app({ constraints: [['hostname', 'UNIQUE']] }));
    await world.clock.advance(10_000);
    await world.ask('POST', '/v2/apps/x/restart', {});
    await world.clock.advance(1200);
    assert.equal(living(world).length, 2);
    await world.clock.advance(20_000);
    assert.equal(living(world).length, 1);
  });

  it('stays in the region of the master unless a constraint names a region or zone', async () => {
    const nodes = [{ ...demoNodes()[0]!, region: 'far', zone: 'z1' }];
    const world = await open({ nodes, masterRegion: 'here' });
    await world.ask('POST', '/v2/apps', app());
    await world.clock.advance(10_000);
    assert.equal(living(world).length, 0);
    await world.ask('PUT', '/v2/apps/x?force=true', { constraints: [['@zone', 'LIKE', 'z1']] });
    await world.clock.advance(10_000);
    assert.equal(living(world).length, 1);
  });

  it('launches a hundred in 30 s, and one more for each that comes up', async () => {
    // Nothing comes up within the window: the pull outlasts it.
    const world = await open({ timing: { pullMs: [60_000, 60_000] } });
    const container = { docker: { image: 'registry.example.org/slow:1' } };
    await world.ask('POST', '/v2/apps', app({ instances: 150, cpus: 0.01, container }));
    await world.clock.advance(29_000);
    assert.equal(living(world).length, 100);
    await world.clock.advance(15_000);
    assert.equal(living(world).length, 150);
  });

  it('kills what takes longer than 300 s to start, and launches it again without delay', async () => {
    const world = await open({ timing: { pullMs: [400_000, 400_000] } });
    await world.ask(
      'POST',
      '/v2/apps',
      app({ container: { docker: { image: 'registry.example.org/big:1' } } }),
    );
    await world.clock.advance(295_000);
    const [first] = living(world);
    await world.clock.advance(20_000);
    const [second] = living(world);
    assert.equal(second?.order.incarnation, (first?.order.incarnation ?? 0) + 1);
    assert.equal(second?.order.instanceId, first?.order.instanceId);
  });

  it('revives offers at most every 5 s', async () => {
    const world = await open({ nodes: demoNodes().slice(0, 1) });
    await world.ask('POST', '/v2/apps', app({ cpus: 100 }));
    await world.clock.advance(3000);
    // The offer was declined; the next launch has to wait for the next revive.
    await world.ask('POST', '/v2/apps', app({ id: '/y' }));
    await world.clock.advance(1500);
    assert.equal(living(world).length, 0);
    await world.clock.advance(4000);
    assert.equal(living(world).length, 1);
  });

  it('waits for unreachableStrategy before it replaces a lost instance', async () => {
    const world = await open({ nodes: demoNodes().slice(0, 2) });
    await world.ask(
      'POST',
      '/v2/apps',
      app({ unreachableStrategy: { inactiveAfterSeconds: 60, expungeAfterSeconds: 120 } }),
    );
    await world.clock.advance(10_000);
    const [lost] = living(world);
    world.sim.world.fleet.partition(lost!.order.node);
    await world.clock.advance(50_000);
    assert.equal(living(world).length, 1);
    await world.clock.advance(30_000);
    assert.equal(living(world).length, 2);
    const { tasks } = (await world.ask('GET', '/v2/apps/x')).json.app;
    assert.deepEqual(tasks.map(({ state }: { state: string }) => state).sort(), [
      'TASK_RUNNING',
      'TASK_UNREACHABLE',
    ]);
    world.sim.world.fleet.heal(lost!.order.node);
    // It runs again, one too many: the periodic scale check ends one.
    await world.clock.advance(301_000);
    assert.equal(living(world).length, 1);
  });

  it('ends the youngest first, or the oldest where told so', async () => {
    for (const killSelection of ['YOUNGEST_FIRST', 'OLDEST_FIRST']) {
      const world = await open();
      await world.ask('POST', '/v2/apps', app({ killSelection }));
      await world.clock.advance(20_000);
      const [old] = living(world);
      await world.ask('PUT', '/v2/apps/x', { instances: 2 });
      await world.clock.advance(20_000);
      await world.ask('PUT', '/v2/apps/x', { instances: 1 });
      await world.clock.advance(20_000);
      const [left] = living(world);
      assert.equal(left?.task === old?.task, killSelection === 'YOUNGEST_FIRST', killSelection);
      await world.sim.stop();
    }
  });

  it('asks for fixed ports by number and refuses a node where they are taken', async () => {
    const world = await open({ nodes: demoNodes().slice(0, 2) });
    const portDefinitions = [{ port: 31_500, protocol: 'tcp' }];
    await world.ask('POST', '/v2/apps', app({ instances: 3, portDefinitions, requirePorts: true }));
    await world.clock.advance(20_000);
    assert.deepEqual(
      living(world).map(({ order }) => order.ports),
      [[31_500], [31_500]],
    );
    const { json } = await world.ask('GET', '/v2/queue');
    const ports = json.queue[0].processedOffersSummary.rejectSummaryLastOffers.find(
      ({ reason }: { reason: string }) => reason === 'InsufficientPorts',
    );
    assert.equal(ports.declined, 2);
  });

  it('waits for health where there are health checks', async () => {
    const world = await open({ timing: { healthMs: 5000 } });
    await world.ask('POST', '/v2/apps', app({ healthChecks: [{ protocol: 'HTTP', path: '/' }] }));
    await world.clock.advance(4000);
    assert.equal((await world.ask('GET', '/v2/deployments')).json.length, 1);
    await world.clock.advance(10_000);
    const { tasksHealthy } = (await world.ask('GET', '/v2/apps/x')).json.app;
    assert.equal(tasksHealthy, 1);
    assert.deepEqual((await world.ask('GET', '/v2/deployments')).json, []);
  });
});
