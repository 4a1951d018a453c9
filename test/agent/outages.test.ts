import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { DockerUnreachable } from '../../src/agent/errors.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { IMAGE } from '../fakes/dockerd.ts';
import { call, Rig, soon } from './rig.ts';

const POOLS = { wide: { cidr: '10.86.0.0/24', gateway: '10.86.0.1' } };
const run = (...more: readonly string[]): readonly string[] => [
  ...['run', '-d', '--net', 'lan', ...more, IMAGE, 'sleep', '100000'],
];
const pause = (ms: number): Promise<void> => clock.sleep(ms, soon(ms + 180_000));

/** Whether Docker gave no answer in the time that it was given. */
const isUnanswered = (asked: Promise<unknown>): Promise<boolean> =>
  asked.then(
    () => false,
    (fault: Error) => {
      if (fault instanceof DockerUnreachable || fault.name === 'TimeoutError') return true;
      throw fault;
    },
  );

describe('when agent, ledger or dockerd are away', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.start({ pools: POOLS });
    await rig.made('lan', '10.86.0.0/24');
  });
  afterEach(async () => {
    await rig.clear();
    await rig.holds(0);
    assert.deepEqual(await rig.findings(), []);
  });
  after(() => rig.stop());

  it('an agent that restarts within seconds is not missed', async () => {
    await rig.stopAgent();
    const starting = rig.dockerd.docker(...run());
    await pause(2_000);
    await rig.startAgent();
    const ended = await starting;
    assert.equal(ended.code, 0, ended.err);
    await rig.holds(1);
  });

  it('an agent that was restarted takes back what the one before gave', async () => {
    const id = await rig.dockerd.run('lan');
    await rig.stopAgent();
    await rig.startAgent();
    await rig.dockerd.remove(id);
    await rig.holds(0);
  });

  it('a ledger that hangs is answered for in time, and nothing stays taken', async () => {
    const before = await rig.dockerd.run('lan');
    rig.etcd.only.hang();
    try {
      const starting = rig.dockerd.docker(...run('--name', 'late'));
      // while docker waits for us, it tells nobody of the container, but of the network
      const { engine } = rig.agent.context;
      const withheld = async (): Promise<boolean> => {
        const [late] = (await engine.containers('all', soon())).filter(
          ({ name }) => name === 'late',
        );
        return late !== undefined && isUnanswered(engine.container(late.id, soon(1_000)));
      };
      for (const late = soon(); !(await withheld()); await pause(20)) late.throwIfAborted();
      assert((await engine.network('lan', soon()))?.endpoints.has(before));
      const ended = await starting;
      assert.equal(ended.code, 125);
      assert.match(
        ended.err,
        /network "prod" has no answer for node "node-1": .+ \(way out: start the container again/,
      );
      await rig.dockerd.remove(before); // a stop is quick even so
      assert.equal(rig.agent.context.journal.pending().length, 1);
    } finally {
      rig.etcd.only.wake();
    }
    await rig.holds(0);
    for (const patience = soon(); rig.agent.context.journal.pending().length > 0; await pause(50))
      patience.throwIfAborted(); // the ledger has heard, and that is written a moment later
    await rig.dockerd.must('start', 'late');
    await rig.holds(1);
  });

  it('what was journalled by an agent that died is told by the next', async () => {
    const id = await rig.dockerd.run('lan');
    await rig.etcd.only.stop();
    await rig.dockerd.remove(id);
    assert.equal(rig.agent.context.journal.pending().length, 1);
    await rig.stopAgent();
    await rig.startAgent();
    rig.etcd.only.start();
    await rig.etcd.only.ready();
    await rig.holds(0);
  });

  it('an agent that begins without a ledger keeps in mind what docker gives up', async () => {
    const id = await rig.dockerd.run('lan');
    await rig.stopAgent();
    await rig.etcd.only.stop();
    await rig.startAgent();
    await rig.dockerd.remove(id);
    assert.equal(rig.agent.ready().find(({ name }) => name === 'leases')?.ready, false);
    rig.etcd.only.start();
    await rig.etcd.only.ready();
    await rig.holds(0);
    const isReady = () => rig.agent.ready().find(({ name }) => name === 'leases')?.ready === true;
    for (const late = soon(); !isReady(); await pause(50)) late.throwIfAborted();
  });

  it('a container that docker has given up on does not keep its address', async () => {
    rig.etcd.only.hang();
    const starting = rig.dockerd.docker(...run());
    await pause(500);
    await rig.dockerd.down('SIGKILL');
    rig.etcd.only.wake();
    await starting;
    await rig.dockerd.up();
    await rig.holds(0);
  });

  it('a dockerd that ends takes its containers along, and their addresses', async () => {
    await rig.dockerd.run('lan', '--stop-signal', 'KILL');
    await rig.holds(1);
    await rig.dockerd.down('SIGTERM');
    await rig.holds(0);
    await rig.dockerd.up();
  });

  it('a dockerd that was killed gives up at its next start what its containers had', async () => {
    await rig.dockerd.run('lan');
    await rig.dockerd.down('SIGKILL');
    await rig.holds(1);
    await rig.dockerd.up();
    await rig.holds(0);
    await rig.dockerd.run('lan');
    await rig.holds(1);
  });
});

describe('a dockerd with live restore', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.start({ pools: POOLS, dockerd: { liveRestore: true } });
    await rig.made('lan', '10.86.0.0/24');
  });
  after(() => rig.stop());

  for (const signal of ['SIGTERM', 'SIGKILL'] as const)
    it(`that ends by ${signal} leaves containers their addresses, and agrees afterwards`, async () => {
      const id = await rig.dockerd.run('lan');
      const [address] = await rig.held();
      await rig.dockerd.down(signal);
      assert.deepEqual(await rig.held(), [address]);
      await rig.dockerd.up();
      assert.equal(await rig.dockerd.addressOf(id, 'lan'), address);
      assert.deepEqual(await rig.held(), [address]);
      const again = await rig.dockerd.run('lan');
      await rig.dockerd.must('exec', again, 'ping', '-c1', '-W5', address ?? '');
      await rig.clear();
      await rig.holds(0);
    });

  it('asked again for what it has, the driver says no word that could hurt', async () => {
    const id = await rig.dockerd.run('lan');
    const [address = ''] = await rig.held();
    const ask = { Pool: '10.86.0.0/24', Options: { network: 'prod' }, AddressSpace: '', V6: false };
    const { pluginSocket } = rig.agent;
    const { body } = await call(pluginSocket, '/IpamDriver.RequestPool', ask);
    const replayed = await call(pluginSocket, '/IpamDriver.RequestAddress', {
      ...{ PoolID: body['PoolID'], Address: address, Options: null },
    });
    assert.match(String(replayed.body['Error']), /cannot be given/, 'it may be a duplicate');
    await call(pluginSocket, '/IpamDriver.ReleaseAddress', {
      ...{ PoolID: body['PoolID'], Address: address },
    });
    assert.deepEqual(await rig.held(), [address], 'another pool id gives up nothing of this one');
    await rig.dockerd.remove(id);
    await rig.holds(0);
  });
});
