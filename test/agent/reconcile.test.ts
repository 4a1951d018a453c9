import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { NodeLeaseSeen } from '../../src/core/reconcile-input.ts';
import { appRates } from '../../src/ledger/app-rates.ts';
import { keys } from '../../src/ledger/keys.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import { records } from '../../src/ledger/records.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { IMAGE } from '../fakes/dockerd.ts';
import { lay } from '../ledger/opened.ts';
import { Impostor } from './impostor.ts';
import { NODE, Rig, soon } from './rig.ts';
import { Watched } from './watched.ts';

const POOLS = {
  wide: { cidr: '10.91.0.0/24', gateway: '10.91.0.1' },
  edge: { cidr: '10.93.0.0/24', gateway: '10.93.0.1' },
  bare: { cidr: '10.92.0.0/24' }, // no router: Docker picks the bridge's address
};
const NETWORKS = {
  prod: { pools: ['wide'], defaultIn: '9mbit' },
  lab: { pools: ['bare'] },
  edge: { pools: ['edge'] },
};
const MARATHON = ['-e', 'MARATHON_APP_ID=/shop/web', '-e', 'MESOS_TASK_ID=shop_web.1'];

describe('the reconcile on a real dockerd', () => {
  let rig: Rig;
  let watched: Watched;
  before(async () => {
    rig = await Rig.start({ pools: POOLS, networks: NETWORKS });
    await rig.made('lan', '10.91.0.0/24');
    watched = new Watched(rig);
  });
  afterEach(async () => {
    await watched.stop();
    await rig.clear();
    await rig.holds(0);
    assert.deepEqual(await rig.findings(), []);
  });
  after(() => rig.stop());

  const leaseOf = async (address: string): Promise<NodeLeaseSeen['lease'] | undefined> =>
    (await rig.leases()).get(address);

  describe('the witness', () => {
    it('names container and MAC, then app, task and rates', async () => {
      const { witness } = await watched.start();
      const env = [...MARATHON, '-e', 'net_in=20mbit', '-e', 'net_out=4096'];
      const id = await rig.dockerd.run('lan', ...env);
      const address = await rig.dockerd.addressOf(id, 'lan');
      await watched.until(async () => (await leaseOf(address))?.startedMs !== undefined);
      const lease = await leaseOf(address);
      assert.deepEqual(
        [lease?.container, lease?.app, lease?.task, lease?.asked],
        [id, '/shop/web', 'shop_web.1', { netInKbit: 20_000, netOutKbit: 4_096 }],
      );
      assert.match(lease?.mac ?? '', /^02:42:0a:5b:00:/);
      const limit = await rig.store.get(keys.limit(NODE, address), soon());
      assert.equal(limit && records.limit.decode(limit).netInKbit, 20_000);
      // with its end and with its start, and once more where its words came in between
      await watched.until(() => Promise.resolve(witness.state().completed >= 2));
      assert.equal(witness.state().missed, 0);
    });

    it('names the MAC that the container was given, where that is not what its address tells', async () => {
      await watched.start();
      const id = await rig.dockerd.created('lan', { MacAddress: '02:00:5e:00:53:01' });
      await rig.dockerd.must('start', id);
      const address = await rig.dockerd.addressOf(id, 'lan');
      await watched.until(async () => (await leaseOf(address))?.mac !== undefined);
      assert.equal((await leaseOf(address))?.mac, '02:00:5e:00:53:01');
      const link = await rig.dockerd.must('exec', id, 'cat', '/sys/class/net/eth0/address');
      assert.equal(link, '02:00:5e:00:53:01');
    });

    it('takes what cannot be a rate for nothing, and counts it', async () => {
      const { witness } = await watched.start();
      const env = ['-e', 'net_in=10;rm -rf /', '-e', 'net_out=1e30', '-e', 'MARATHON_APP_ID=web'];
      const id = await rig.dockerd.run('lan', ...env);
      const address = await rig.dockerd.addressOf(id, 'lan');
      await watched.until(async () => (await leaseOf(address))?.startedMs !== undefined);
      const lease = await leaseOf(address);
      assert.deepEqual([lease?.app, lease?.asked], [undefined, undefined]);
      assert.equal(lease?.counted?.netInKbit, 9_000, "the network's default stands");
      assert.equal(witness.state().odd, 1);
    });

    it('says nothing of containers on networks of others', async () => {
      const { witness } = await watched.start();
      await rig.dockerd.must('network', 'create', 'foreign');
      await rig.dockerd.run('foreign', ...MARATHON);
      const id = await rig.dockerd.run('lan');
      const address = await rig.dockerd.addressOf(id, 'lan');
      await watched.until(async () => (await leaseOf(address))?.startedMs !== undefined);
      assert.equal(witness.state().missed, 0);
      await rig.clear('foreign');
    });
  });

  describe('what the events did not tell', () => {
    it('is found by the next look, and said once', async () => {
      const id = await rig.dockerd.run('lan', ...MARATHON, '-e', 'net_in=1mbit');
      const address = await rig.dockerd.addressOf(id, 'lan');
      assert.equal((await leaseOf(address))?.container, undefined);
      const { reconciler, first } = await watched.start({ witness: false });
      assert.equal(first.completed, 1);
      const lease = await leaseOf(address);
      assert.deepEqual(
        [lease?.container, lease?.app, lease?.asked],
        [id, '/shop/web', { netInKbit: 1_000 }],
      );
      assert.equal((await watched.look()).completed, 0);
      assert.deepEqual(reconciler.state().conflicts, []);
    });

    it('is found with what only the ledger and the Docker network say of its rates', async () => {
      const of = ['--subnet', '10.93.0.0/24', '--ipam-opt', 'pool=edge'];
      assert.equal((await rig.network('labelled', ...of, '--label', 'net_out=7mbit')).code, 0);
      const networks = { edge: { netInKbit: 23_000 } };
      const record = { v: 1, networks, sinceMs: 1 } as const;
      await appRates.set(rig.store, { app: '/shop/web', record }, soon());
      const id = await rig.dockerd.run('labelled', ...MARATHON);
      const address = await rig.dockerd.addressOf(id, 'labelled');
      const { first } = await watched.start({ witness: false });
      assert.equal(first.completed, 1);
      const lease = await leaseOf(address);
      assert.deepEqual(lease?.asked, { netInKbit: 23_000, netOutKbit: 7_000 });
      assert.equal(lease.counted?.netInKbit, 23_000);
      await appRates.drop(rig.store, '/shop/web', soon());
      await rig.clear('labelled');
    });
  });

  describe('a release that was lost', () => {
    it('is made up for after two looks, with the evidence, and not after one', async () => {
      const id = await rig.dockerd.run('lan');
      const kept = await rig.dockerd.run('lan');
      const address = await rig.dockerd.addressOf(id, 'lan');
      await watched.start();
      await watched.stop();
      const impostor = await Impostor.instead(rig);
      await rig.dockerd.remove(id);
      assert.deepEqual(impostor.lost, [address]);
      await impostor.leave();
      const { first } = await watched.start();
      assert.deepEqual([first.released, first.kept], [0, 1]);
      const second = await watched.look();
      assert.equal(second.released, 1);
      const [release] = second.releases;
      assert.deepEqual([release?.address, release?.container], [address, id]);
      assert.match(release?.why ?? '', /^no endpoint and no container .+ in 2 looks over/);
      assert.deepEqual(await rig.held(), [await rig.dockerd.addressOf(kept, 'lan')]);
    });

    it('because the plugin was dead, is made up for', async () => {
      const id = await rig.dockerd.run('lan');
      await rig.stopAgent();
      const { tookMs } = await rig.dockerd.docker('rm', '-f', id);
      assert(tookMs > 10_000, 'Docker tried for a while');
      await rig.startAgent();
      await watched.start();
      assert.equal((await watched.look()).released, 1);
      assert.deepEqual(await rig.held(), []);
    });

    it('keeps the lease of a container that its restart policy may bring back', async () => {
      const id = await rig.dockerd.run('lan', '--restart', 'always');
      await watched.start();
      await watched.stop();
      const impostor = await Impostor.instead(rig);
      await rig.dockerd.must('stop', '-t', '0', id);
      await impostor.leave();
      await watched.start();
      for (let looks = 0; looks < 3; looks += 1)
        assert.deepEqual([(await watched.look()).released, (await rig.held()).length], [0, 1]);
      assert.equal(watched.reconciler.state().kept[0]?.why, 'restart-policy');
      await rig.dockerd.must('start', id); // it gets another address: the lease of before goes
      await watched.look();
      await watched.look();
      await rig.holdsOnly(await rig.dockerd.addressOf(id, 'lan'));
    });

    it('by docker system prune, is made up for', async () => {
      const ended = await rig.dockerd.run('lan');
      await watched.start();
      await watched.stop();
      const impostor = await Impostor.instead(rig);
      await rig.dockerd.must('kill', ended);
      await rig.dockerd.must('system', 'prune', '-f');
      await impostor.leave();
      await watched.start();
      assert.equal((await watched.look()).released, 1);
      assert.deepEqual(await rig.held(), []);
      await rig.made('lan', '10.91.0.0/24'); // it was pruned, too
    });
  });

  describe('what runs without a lease', () => {
    it('is adopted, with all that it says', async () => {
      const impostor = await Impostor.instead(rig, '10.91.0.77');
      const id = await rig.dockerd.run('lan', ...MARATHON);
      await impostor.leave();
      const { first } = await watched.start();
      assert.equal(first.adopted, 1);
      const lease = await leaseOf('10.91.0.77');
      assert.deepEqual(
        [lease?.container, lease?.app, lease?.pool, lease?.by],
        [id, '/shop/web', 'wide', 'docker'],
      );
      assert.notEqual(lease?.startedMs, undefined);
      assert.equal((await watched.look()).adopted, 0);
      await rig.dockerd.remove(id); // the driver knows by which name to release it
      await rig.holds(0);
    });

    it('is adopted out of stock, when the agent died between answer and write', async () => {
      const desk = openDesk(rig.store, { node: NODE, clock, log });
      const [spare = ''] = await desk.stock('wide', 1, soon());
      const impostor = await Impostor.instead(rig, spare);
      const id = await rig.dockerd.run('lan');
      await impostor.leave();
      const { first } = await watched.start();
      assert.equal(first.adopted, 1);
      assert.equal((await leaseOf(spare))?.container, id);
      assert.deepEqual(await desk.spares(soon()), []);
      await desk.close();
    });

    it('is reported where another node holds the address, and by whom', async () => {
      await lay(rig.store, { nodes: { 'node-2': { link: '1gbit' } } });
      const other = openDesk(rig.store, { node: 'node-2', clock, log });
      const ask = {
        network: 'prod',
        address: '10.91.0.99',
        incarnation: 'x',
        by: 'docker',
      } as const;
      await other.take(ask, soon());
      const impostor = await Impostor.instead(rig, '10.91.0.99');
      const id = await rig.dockerd.run('lan');
      await impostor.leave();
      const { first: record } = await watched.start();
      assert.equal(record.conflicts.length, 1);
      assert.match(
        record.conflicts[0] ?? '',
        new RegExp(
          `^10.91.0.99 is held by node "node-2", but container ${id.slice(0, 12)} runs on`,
        ),
      );
      const told = await rig.store.get(keys.reconciled(NODE), soon());
      assert.deepEqual(told && records.reconciled.decode(told).conflicts, record.conflicts);
      assert.deepEqual(await rig.held(), []);
      await rig.dockerd.remove(id);
      assert.equal((await watched.look()).conflicts.length, 0);
      assert.deepEqual(await other.release('10.91.0.99', 'x', soon()), { released: true });
      await other.close();
    });

    it('is reported where no pool has the address', async () => {
      const impostor = await Impostor.instead(rig, '10.91.0.0');
      await rig.dockerd.run('lan');
      await impostor.leave();
      await watched.start();
      assert.match(
        (await watched.look()).conflicts[0] ?? '',
        /^10.91.0.0 of container .+ cannot be/,
      );
    });

    it('twice on one address, is reported', async () => {
      const impostor = await Impostor.instead(rig, '10.91.0.55');
      await rig.dockerd.run('lan');
      await rig.dockerd.run('lan');
      await impostor.leave();
      const { first } = await watched.start();
      const { conflicts, adopted } = first;
      assert.equal(adopted, 1);
      assert.match(conflicts[0] ?? '', /^10.91.0.55 is shown by containers .+ and .+; restart/);
    });
  });

  it('leaves alone the gateway that Docker was given and does not show', async () => {
    await rig.network('bridge0', '--subnet', '10.92.0.0/24', '--ipam-opt', 'network=lab');
    assert.equal((await rig.held()).length, 1);
    await watched.start();
    for (let looks = 0; looks < 3; looks += 1) assert.equal((await watched.look()).released, 0);
    assert.equal((await rig.held()).length, 1);
    const impostor = await Impostor.instead(rig);
    await rig.dockerd.must('network', 'rm', 'bridge0');
    await impostor.leave();
    await watched.start();
    assert.equal((await watched.look()).released, 1);
  });

  it('does not look while Docker is away, and does not take silence for absence', async () => {
    const id = await rig.dockerd.run('lan');
    await watched.start();
    const held = await rig.held();
    process.kill(rig.dockerd.pid, 'SIGSTOP');
    await assert.rejects(watched.look(3_000));
    process.kill(rig.dockerd.pid, 'SIGCONT');
    assert.equal((await watched.look()).released, 0);
    assert.deepEqual(await rig.held(), held);
    await rig.dockerd.remove(id);
  });

  it('a failed start leaves nothing', async () => {
    await watched.start();
    const failed = await rig.dockerd.docker('run', '--net', 'lan', IMAGE, '/no/such/command');
    assert.notEqual(failed.code, 0);
    await rig.holds(0);
    assert.equal((await watched.look()).kept, 0);
  });
});
