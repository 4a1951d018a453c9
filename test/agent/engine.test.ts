import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Engine, openEngine } from '../../src/agent/docker/engine.ts';
import { type EngineEvent, events } from '../../src/agent/docker/events.ts';
import { DockerRefused, DockerUnreachable } from '../../src/agent/errors.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { jsonLog } from '../../src/plumbing/log.ts';
import { Dockerd } from '../fakes/dockerd.ts';

const log = jsonLog('silent');
const PATIENCE = { withinMs: 120_000, detailsWithinMs: 120_000 };
const soon = (): AbortSignal => AbortSignal.timeout(180_000);

describe("the client of docker's API, on a real dockerd", () => {
  let dockerd: Dockerd;
  let engine: Engine;
  const pool = { subnet: '10.61.0.0/24', range: '10.61.0.128/25', gateway: '10.61.0.1' };

  before(async () => {
    dockerd = await Dockerd.start({ liveRestore: true });
    engine = openEngine({ ...PATIENCE, socket: dockerd.socket });
    await engine.createNetwork(
      {
        name: 'lan',
        driver: 'bridge',
        ipam: { driver: 'default', options: {}, pools: [{ ...pool, aux: { tor: '10.61.0.2' } }] },
        ipv6: false,
        options: { 'com.docker.network.driver.mtu': '1400' },
        labels: { team: 'blue' },
      },
      soon(),
    );
  });
  after(async () => {
    engine.close();
    await dockerd.stop();
  });

  it('says which daemon it is', async () => {
    const info = await engine.info(soon());
    assert.match(info.version, /^\d+\./);
    assert.equal(info.liveRestore, true);
  });

  it('shows networks as they were made', async () => {
    const listed = (await engine.networks(soon())).find(({ name }) => name === 'lan');
    assert.deepEqual(listed?.ipam.pools, [{ ...pool, aux: { tor: '10.61.0.2' } }]);
    assert.deepEqual(listed.labels, { team: 'blue' });
    assert.equal(listed.options['com.docker.network.driver.mtu'], '1400');
    assert.equal(await engine.network('nowhere', soon()), undefined);
  });

  it('shows a container, its end of the network, its labels, environment and restart policy', async () => {
    const options = ['--label', 'MESOS_TASK_ID=t.1', '-e', 'net_in=10mbit', '-e', 'net_in=20mbit'];
    const id = await dockerd.run('lan', '--name', 'shown', '--restart', 'on-failure:3', ...options);
    const address = await dockerd.addressOf('shown', 'lan');
    const network = await engine.network('lan', soon());
    assert.equal(network?.endpoints.get(id)?.address, address);
    const shown = await engine.container(id, soon());
    assert.deepEqual(shown?.restart, { policy: 'on-failure', most: 3 });
    assert.equal(shown.env.get('net_in'), '20mbit');
    assert.equal(shown.labels['MESOS_TASK_ID'], 't.1');
    assert.equal(shown.attached[0]?.address, address);
    assert.equal(shown.attached[0]?.mac, network?.endpoints.get(id)?.mac);
    assert((shown.pid ?? 0) > 0);
    await dockerd.must('stop', '-t', '0', id);
    const [summary] = await engine.containers('all', soon());
    assert.deepEqual([summary?.id, summary?.name, summary?.state], [id, 'shown', 'exited']);
    assert.deepEqual(await engine.containers('running', soon()), []);
    await dockerd.remove(id);
    assert.equal(await engine.container(id, soon()), undefined);
  });

  it('passes on what docker refuses', async () => {
    await assert.rejects(engine.removeNetwork('nowhere', soon()), (fault) => {
      assert(fault instanceof DockerRefused);
      assert.equal(fault.status, 404);
      assert.match(fault.message, /nowhere/);
      return true;
    });
  });

  it('gives events, and says so when some may have been missed', async () => {
    const ending = new AbortController();
    const seen: EngineEvent[] = [];
    const until = async (wanted: (event: EngineEvent) => boolean): Promise<void> => {
      for (const end = Date.now() + 180_000; !seen.some(wanted); await clock.sleep(20, soon()))
        assert(Date.now() < end, `not seen among ${JSON.stringify(seen)}`);
    };
    const reading = (async () => {
      const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(400_000)]);
      for await (const event of events({ engine, clock, log }, signal)) seen.push(event);
    })();
    try {
      await until(({ what }) => what === 'connected');
      const id = await dockerd.run('lan', '--name', 'evented');
      await until((event) => event.what === 'network' && event.action === 'connect');
      await until((event) => event.what === 'container' && event.action === 'start');
      const connect = seen.find((event) => event.what === 'network');
      assert(connect?.what === 'network');
      assert.deepEqual([connect.container, connect.network], [id, 'lan']);
      await dockerd.down('SIGKILL');
      await assert.rejects(engine.networks(soon()), DockerUnreachable);
      await dockerd.up();
      await until(() => seen.filter(({ what }) => what === 'connected').length === 2);
      assert.equal((await engine.containers('running', soon()))[0]?.id, id, 'it lives on');
      await dockerd.remove(id);
      await until((event) => event.what === 'container' && event.action === 'destroy');
    } finally {
      ending.abort();
      await reading;
    }
  });
});
