import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { AddressSource } from '../../src/sim/addresses.ts';
import { demoNodes } from '../../src/sim/topology.ts';
import { fixedPools } from './pools.ts';
import { openSim, type OpenSim } from './stage.ts';

const APP = {
  id: '/shop/web',
  instances: 1,
  cpus: 0.5,
  mem: 64,
  container: { type: 'DOCKER', docker: { image: 'registry.example.org/web:1' } },
  networks: [{ mode: 'container', name: 'prod', labels: { net_in: '100' } }],
  env: { net_in: '100', PASSWORD: { secret: 'pw' } },
  secrets: { pw: { source: '/pw' } },
};

let opened: OpenSim | undefined;
const open = async (...how: Parameters<typeof openSim>): Promise<OpenSim> =>
  (opened = await openSim(...how));
afterEach(async () => {
  await opened?.sim.stop();
  assert.deepEqual(opened?.faults ?? [], []);
  opened = undefined;
});

const stateOf = async ({ ask }: OpenSim, id = '/shop/web') => {
  const { json } = await ask('GET', `/v2/apps${id}`);
  return json.app.tasks.map(({ state }: { state: string }) => state).sort();
};

describe('a launch', () => {
  it('pulls, asks for addresses once, and runs', async () => {
    const asked: unknown[] = [];
    const source: AddressSource = {
      take: async ({ task, ...request }) => {
        asked.push(request);
        return { ok: true, addresses: ['192.0.2.1'] };
      },
      give: async () => undefined,
    };
    const world = await open({
      addresses: source,
      nodes: demoNodes().slice(0, 1),
      timing: { pullMs: [5000, 5000] },
    });
    await world.ask('POST', '/v2/apps', APP);
    await world.clock.advance(4000);
    assert.deepEqual(await stateOf(world), ['TASK_STAGING']);
    assert.equal(asked.length, 0);
    await world.clock.advance(10_000);
    assert.deepEqual(await stateOf(world), ['TASK_RUNNING']);
    // Marathon hands no labels on for Docker, and a secret is nobody's to see.
    assert.deepEqual(asked, [
      {
        node: 'node-1.example.org',
        app: '/shop/web',
        attributes: { rack: 'r1' },
        networks: ['prod'],
        env: { net_in: '100' },
        labels: {},
      },
    ]);
  });

  it('hands network labels on for the universal runtime', async () => {
    const labels: unknown[] = [];
    const source: AddressSource = {
      take: async (request) => {
        labels.push(request.labels);
        return { ok: true, addresses: ['192.0.2.1'] };
      },
      give: async () => undefined,
    };
    const world = await open({ addresses: source });
    await world.ask('POST', '/v2/apps', { ...APP, container: { type: 'MESOS' }, cmd: 'sleep 1' });
    await world.clock.advance(20_000);
    assert.deepEqual(labels, [{ prod: { net_in: '100' } }]);
  });

  it('without a container network takes no address', async () => {
    const world = await open();
    await world.ask('POST', '/v2/apps', { ...APP, networks: [{ mode: 'host' }] });
    await world.ask('POST', '/v2/apps', {
      ...APP,
      id: '/bridge',
      networks: [{ mode: 'container/bridge' }],
    });
    await world.clock.advance(20_000);
    assert.deepEqual(await stateOf(world), ['TASK_RUNNING']);
    assert.deepEqual(await stateOf(world, '/bridge'), ['TASK_RUNNING']);
    assert.deepEqual(world.pools.taken, []);
  });

  it('follows a docker parameter to another network', async () => {
    const world = await open();
    const docker = { image: 'x', parameters: [{ key: 'net', value: 'prod' }] };
    await world.ask('POST', '/v2/apps', {
      ...APP,
      networks: [],
      container: { type: 'DOCKER', docker },
    });
    await world.clock.advance(20_000);
    assert.equal(world.pools.taken.length, 1);
  });

  for (const { type, source, message, reason } of [
    {
      type: 'DOCKER',
      source: 'SOURCE_EXECUTOR',
      message: /^Container exited with status 125$/,
      reason: undefined,
    },
    {
      type: 'MESOS',
      source: 'SOURCE_AGENT',
      message: /CNI plugin.*no address on/,
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    },
  ])
    it(`of ${type} fails as Mesos tells it when no address is given`, async () => {
      const world = await open({}, fixedPools({}, 0));
      await world.ask('POST', '/v2/apps', {
        ...APP,
        container: type === 'DOCKER' ? APP.container : { type },
        cmd: 'sleep 9',
      });
      await world.clock.advance(12_000);
      const [ended] = world.sim.world.fleet.ended;
      const last = ended?.statuses.at(-1);
      assert.equal(last?.state, 'TASK_FAILED');
      assert.equal(last.source, source);
      assert.equal(last.reason, reason);
      assert.match(last.message, message);
      const { json } = await world.ask('GET', '/v2/apps/shop/web');
      assert.match(json.app.lastTaskFailure.message, message);
    });

  it('that is killed during the pull never asks for an address', async () => {
    const world = await open({ timing: { pullMs: [5000, 5000] } });
    await world.ask('POST', '/v2/apps', APP);
    await world.clock.advance(3000);
    await world.ask('DELETE', '/v2/apps/shop/web');
    await world.clock.advance(20_000);
    assert.deepEqual(world.pools.taken, []);
    assert.equal(world.sim.world.fleet.containers.size, 0);
  });

  it('that is killed while the source thinks gives back what it gets', async () => {
    const pools = fixedPools({});
    const held: (() => void)[] = [];
    const slow: AddressSource = {
      take: (request) =>
        new Promise((resolve) => held.push(() => void pools.take(request).then(resolve))),
      give: pools.give,
    };
    const world = await open({ addresses: slow });
    await world.ask('POST', '/v2/apps', APP);
    const moved = world.clock.advance(20_000);
    while (held.length === 0) await new Promise(setImmediate);
    await world.ask('DELETE', '/v2/apps/shop/web');
    for (const answer of held) answer();
    await moved;
    assert.equal(pools.taken.length, 1);
    assert.deepEqual(pools.given, pools.taken);
    assert.equal(pools.held.size, 0);
  });

  it('survives a source that throws', async () => {
    const world = await open({
      addresses: { take: () => Promise.reject(new Error('down')), give: async () => undefined },
    });
    await world.ask('POST', '/v2/apps', APP);
    await world.clock.advance(12_000);
    assert(world.sim.launchFailures().total > 0);
  });
});

describe('the launch and kill loop', () => {
  it('fails as often in ten minutes as the back-off allows', async () => {
    // Nothing but the back-off takes time, so launch k+1 comes 1.15^k seconds after launch k.
    const timing = {
      pullMs: [0, 0],
      failMs: 0,
      offerMs: 0,
      allocationMs: 10,
      reviveMs: 0,
    } as const;
    const world = await open({ timing, nodes: demoNodes().slice(0, 1) }, fixedPools({}, 0));
    await world.ask('POST', '/v2/apps', APP);
    await world.clock.advance(600_000);
    // (1.15^k - 1) / 0.15 <= 600 holds up to k = 32: launches 0..32.
    assert.equal(world.sim.launchFailures().total, 33);
    assert.equal(
      world.sim
        .launchFailures()
        .minutes.slice(0, 10)
        .reduce((a, b) => a + b, 0),
      33,
    );
  });

  it('ends with room, and takes what was waiting at the next launch', async () => {
    const pools = fixedPools({}, 1);
    const world = await open({ nodes: demoNodes().slice(0, 1) }, pools);
    await world.ask('POST', '/v2/apps', { ...APP, id: '/first' });
    await world.clock.advance(20_000);
    await world.ask('POST', '/v2/apps', APP);
    await world.clock.advance(60_000);
    const before = world.sim.launchFailures().total;
    assert(before > 5 && world.sim.failuresPerMinute() > 5);
    await world.ask('DELETE', '/v2/apps/first');
    await world.clock.advance(60_000);
    assert.deepEqual(await stateOf(world), ['TASK_RUNNING']);
    const after = world.sim.launchFailures().total;
    await world.clock.advance(600_000);
    assert.equal(world.sim.launchFailures().total, after);
    assert.equal(world.sim.failuresPerMinute(), 0);
  });

  it('plays the same way twice from one seed', async () => {
    const play = async (): Promise<unknown> => {
      const world = await open({}, fixedPools({ 'node-1': 0, 'node-2': 1 }, 2));
      await world.ask('POST', '/v2/apps', { ...APP, instances: 12 });
      await world.clock.advance(120_000);
      const tasks = (await world.ask('GET', '/v2/tasks')).json;
      const minutes = world.sim.launchFailures().minutes;
      await world.sim.stop();
      return { tasks, minutes };
    };
    assert.deepEqual(await play(), await play());
  });

  it('starts at most five instances per offer', async () => {
    const world = await open({ nodes: demoNodes().slice(0, 1) });
    await world.ask('POST', '/v2/apps', { ...APP, instances: 8, networks: [] });
    await world.clock.advance(1500);
    assert.equal(world.sim.world.fleet.containers.size, 5);
    await world.clock.advance(1000);
    assert.equal(world.sim.world.fleet.containers.size, 8);
  });
});

describe('instances at once during', () => {
  const peakOf = async (world: OpenSim, change: () => Promise<unknown>): Promise<number> => {
    await change();
    let peak = 0;
    for (let second = 0; second < 240; second += 1) {
      peak = Math.max(peak, world.sim.world.fleet.containers.size);
      await world.clock.advance(500);
    }
    return peak;
  };
  for (const { says, strategy, body, peak } of [
    { says: 'an upgrade at 1/1', strategy: [1, 1], body: { env: { A: '2' } }, peak: 8 },
    { says: 'an upgrade at 1/0', strategy: [1, 0], body: { env: { A: '2' } }, peak: 5 },
    { says: 'an upgrade at 0.5/0', strategy: [0.5, 0], body: { env: { A: '2' } }, peak: 4 },
    { says: 'a scale up', strategy: [1, 1], body: { instances: 6 }, peak: 6 },
    {
      says: 'an upgrade that scales down',
      strategy: [1, 1],
      body: { instances: 1, env: { A: '2' } },
      peak: 4,
    },
  ])
    it(`${says} are at most ${peak}`, async () => {
      const world = await open();
      const [minimumHealthCapacity, maximumOverCapacity] = strategy;
      const app = { ...APP, instances: 4, secrets: {}, env: {} };
      await world.ask('POST', '/v2/apps', {
        ...app,
        upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity },
      });
      await world.clock.advance(60_000);
      assert.equal(await peakOf(world, () => world.ask('PUT', '/v2/apps/shop/web', body)), peak);
      assert.deepEqual((await world.ask('GET', '/v2/deployments')).json, []);
      assert.equal((await stateOf(world)).length, (body as { instances?: number }).instances ?? 4);
      assert.equal(world.pools.held.size, world.sim.world.fleet.containers.size);
    });
});

describe('a node that is cut off', () => {
  it('keeps its containers and addresses while replacements start elsewhere', async () => {
    const world = await open({ nodes: demoNodes().slice(0, 2) });
    await world.ask('POST', '/v2/apps', {
      ...APP,
      constraints: [['hostname', 'CLUSTER', 'node-1.example.org']],
    });
    await world.clock.advance(20_000);
    const node = world.sim.world.fleet.node('node-1.example.org');
    world.sim.world.fleet.partition(node);
    await world.ask('PATCH', '/v2/apps/shop/web', { constraints: [] });
    await world.clock.advance(20_000);
    assert.deepEqual(await stateOf(world), ['TASK_RUNNING']);
    assert.equal(world.pools.held.size, 2);
    world.sim.world.fleet.heal(node);
    await world.clock.advance(5000);
    assert.equal(world.pools.held.size, 1);
  });
});
