import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { reconcilePart } from '../../src/agent/reconcile-part.ts';
import { factName } from '../../src/core/container-facts.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import { IMAGE } from '../fakes/dockerd.ts';
import type { TestCluster } from '../gate/cluster.ts';
import { dockerCluster } from './docker-tasks.ts';
import { NODE, Rig, soon } from './rig.ts';

const POOLS = {
  'prod-a': {
    cidr: '10.95.0.0/24',
    ranges: ['10.95.0.16-10.95.0.23'], // eight
    gateway: '10.95.0.1',
  },
};
const TOPOLOGY = {
  pools: POOLS,
  networks: { prod: { pools: ['prod-a'] } },
  nodes: { [NODE]: { link: '1gbit' } },
};
const APP = {
  ...{ id: '/chain', cmd: 'sleep 100000', instances: 6, cpus: 0.1, mem: 8 },
  container: { type: 'DOCKER', docker: { image: IMAGE } },
  networks: [{ mode: 'container', name: 'prod' }],
  env: { net_in: '3mbit', net_out: '2mbit' },
};

describe('gate, simulated Marathon, and tasks that are real containers', () => {
  let rig: Rig;
  let cluster: TestCluster;
  before(async () => {
    rig = await Rig.start({
      ...{ pools: POOLS, networks: TOPOLOGY.networks },
      parts: [
        reconcilePart({
          factNames: {
            rates: { in: 'net_in', out: 'net_out' },
            app: [factName('env:MARATHON_APP_ID')],
            task: [factName('env:MESOS_TASK_ID')],
          },
        }),
      ],
    });
    await rig.made('prod', '10.95.0.0/24');
    cluster = await dockerCluster(rig, TOPOLOGY);
  });
  after(async () => {
    await cluster.stop();
    await rig.stop();
  });

  const running = async (): Promise<readonly string[]> =>
    (await rig.dockerd.must('ps', '-q')).split('\n').filter((id) => id !== '');
  const untilRunning = (count: number): Promise<void> =>
    cluster.until(async () => (await running()).length === count, `${count} containers`, 180_000);
  const scaled = (instances: number) => cluster.request('PUT', '/v2/apps/chain', { instances });
  const nothingOwed = (): Promise<void> =>
    cluster.until(
      async () => (await cluster.reservations()).size === 0,
      'all that was promised is held',
      180_000,
    );

  it('an app of six gets six addresses, and its containers reach each other by them', async () => {
    const posted = await cluster.request('POST', '/v2/apps', APP);
    assert.equal(posted.status, 201, posted.text);
    await untilRunning(6);
    await nothingOwed();
    const leases = await rig.leases();
    assert.equal(leases.size, 6);
    const ids = await running();
    for (const { app, task, container, mac } of leases.values()) {
      assert.equal(app, '/chain');
      assert.match(task ?? '', /^chain/);
      assert(ids.some((id) => container?.startsWith(id)));
      assert.match(mac ?? '', /^02:42:0a:5f:00:1[0-7]$/);
    }
    const addresses = [...leases.keys()];
    await Promise.all(
      ids.map((id, at) => rig.dockerd.must('exec', id, 'ping', '-c1', '-W5', addresses[at] ?? '')),
    );
    const tally = await rig.store.get(keys.tally(NODE), soon());
    const { netInKbit, netOutKbit } = records.tally.decode(tally ?? assert.fail('no tally'));
    assert.deepEqual([netInKbit, netOutKbit], [18_000, 12_000], 'what the app asks for');
  });

  it('scaled past the pool it is refused with figures, and nothing happens to it', async () => {
    const before = await rig.held();
    const refused = await scaled(9);
    assert.equal(refused.status, 422, refused.text);
    assert.match(
      refused.text,
      /cannot launch 3 instances of \/chain .+ 2 addresses are free .+ 1 short/,
    );
    assert.deepEqual(await rig.held(), before);
    assert.equal((await running()).length, 6);
  });

  it('scaled to the last address it gets it, and gives all back at its end', async () => {
    const grown = await scaled(8);
    assert.equal(grown.status, 200, grown.text);
    await untilRunning(8);
    await nothingOwed();
    await rig.holds(8);
    const deleted = await cluster.request('DELETE', '/v2/apps/chain');
    assert.equal(deleted.status, 200, deleted.text);
    await untilRunning(0);
    await rig.holds(0);
    assert.deepEqual(await rig.findings(), []);
  });
});
