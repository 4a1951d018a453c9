import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { reconcilePart } from '../../src/agent/reconcile-part.ts';
import { readPool } from '../../src/core/topology-read.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { IMAGE } from '../fakes/dockerd.ts';
import { Rig, soon } from './rig.ts';

const POOLS = { wide: { cidr: '10.97.0.0/24', gateway: '10.97.0.1' } };
const rates = { in: 'net_in', out: 'net_out' };

describe('an agent with addresses in stock, on a real dockerd and etcd', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.start({
      pools: POOLS,
      agent: { spare: 2 },
      parts: [reconcilePart({ factNames: { rates, app: [], task: [] } })],
    });
    await rig.made('lan', '10.97.0.0/24');
  });
  after(() => rig.stop());

  const ready = async (count: number): Promise<void> => {
    const line = 'corral_agent_spare_addresses{pool="wide"}';
    for (const until = Date.now() + 180_000; (await rig.figure(line)) !== count;)
      await clock.sleep(50, AbortSignal.timeout(Math.max(1, until - Date.now())));
  };

  it('starts containers from it while the ledger is away, then refuses, and all is told afterwards', async () => {
    const first = await rig.dockerd.run('lan');
    await ready(2);
    await rig.etcd.only.stop();
    const two = [await rig.dockerd.run('lan'), await rig.dockerd.run('lan')];
    const third = await rig.dockerd.docker('run', '-d', '--net', 'lan', IMAGE, 'sleep', '1000');
    assert.equal(third.code, 125);
    assert.match(third.err, /network "prod" has no answer for node "node-1"/);
    await rig.dockerd.must('exec', first, 'ping', '-c1', '-W5', await addressOf(two[0]));
    await rig.dockerd.remove(first);
    await rig.dockerd.remove(two[1] ?? '');
    rig.etcd.only.start();
    await rig.etcd.only.ready();
    const left = await addressOf(two[0]);
    for (const until = Date.now() + 180_000; (await rig.held()).join() !== left;)
      await clock.sleep(50, AbortSignal.timeout(Math.max(1, until - Date.now())));
    await ready(2);
    assert.deepEqual(await rig.findings(), []);
    await rig.clear();
    await rig.holds(0);
  });

  it('after a restart hands out nothing that the agent before may have handed out', async () => {
    await rig.dockerd.run('lan');
    await ready(2);
    await rig.etcd.only.stop();
    const unheard = await rig.dockerd.run('lan'); // its owner is written nowhere
    await rig.stopAgent();
    rig.etcd.only.start();
    await rig.etcd.only.ready();
    await rig.startAgent();
    const ids = await Promise.all([1, 2, 3].map(() => rig.dockerd.run('lan')));
    const addresses = await Promise.all([unheard, ...ids].map(addressOf));
    assert.equal(new Set(addresses).size, 4);
    await rig.holds(5); // the reconcile has adopted the one that nobody had heard of
    assert.deepEqual(await rig.findings(), []);
    await rig.clear();
    await rig.holds(0);
  });

  it('leaves an address with its container when the ledger refuses the owner, and gives it to nobody else', async () => {
    await ready(2);
    const say = async (pool: unknown): Promise<void> => {
      const value = records.pool.encode(readPool('wide', pool));
      await rig.store.commit({ guards: [], writes: [{ put: keys.pool('wide'), value }] }, soon());
    };
    await say({ ...POOLS.wide, ranges: ['10.97.0.200-10.97.0.250'] }); // past every check
    const id = await rig.dockerd.run('lan');
    const address = await addressOf(id);
    const told = (): boolean =>
      rig.agent.ready().some(({ detail }) => detail.includes('1 handed out and refused by'));
    for (const until = Date.now() + 180_000; !told();)
      await clock.sleep(50, AbortSignal.timeout(Math.max(1, until - Date.now())));
    const argv = ['--net', 'lan', '--ip', address, IMAGE, 'sleep', '1000'];
    const second = await rig.dockerd.docker('run', '-d', ...argv);
    assert.equal(second.code, 125);
    assert.match(second.err, /in use without a lease|is none that pool "wide" hands out/);
    assert.equal(await addressOf(id), address, 'it runs on');
    await rig.dockerd.remove(id);
    for (const until = Date.now() + 180_000; told();)
      await clock.sleep(50, AbortSignal.timeout(Math.max(1, until - Date.now())));
    await say(POOLS.wide);
    await rig.clear();
    await ready(2);
    await rig.holds(0);
    assert.deepEqual(await rig.findings(), []);
  });

  const addressOf = (id = ''): Promise<string> => rig.dockerd.addressOf(id, 'lan');
  it('ends with as many in stock as before, and no lease', async () => {
    await ready(2);
    assert.deepEqual(await rig.held(), []);
    const { entries } = await rig.store.range({ prefix: '/corral/v1/leases/' }, soon());
    assert.deepEqual(entries, []);
  });
});
