import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IMAGE } from '../fakes/dockerd.ts';
import { Rig } from './rig.ts';

const POOLS = { wide: { cidr: '10.88.0.0/24', gateway: '10.88.0.1' } };

/** Docker tries for 15 s to reach a plugin. Both tests wait that long, so they do it together. */
describe('an agent that is away for longer than docker waits', { concurrency: true }, () => {
  it('costs a start that says why, and nothing of what runs', async () => {
    const rig = await Rig.start({ pools: POOLS });
    try {
      await rig.made('lan', '10.88.0.0/24');
      const [stays, stops] = [await rig.dockerd.run('lan'), await rig.dockerd.run('lan')];
      const before = await rig.held();
      await rig.stopAgent();
      const start = ['run', '-d', '--name', 'late', '--net', 'lan', IMAGE, 'sleep', '1000'];
      const [started] = await Promise.all([
        rig.dockerd.docker(...start),
        rig.dockerd.must('stop', '-t', '0', stops),
      ]);
      assert.notEqual(started.code, 0); // 127 when the socket's file is gone, 125 when nobody listens
      assert.match(started.err, /connect: (connection refused|no such file)/);
      await rig.startAgent();
      assert.deepEqual(await rig.held(), before, 'docker does not say again what it gave up');
      await rig.dockerd.must('start', 'late');
      const late = await rig.dockerd.addressOf('late', 'lan');
      assert(!before.includes(late), 'the reconcile frees what was lost, not a rival');
      await rig.dockerd.must('exec', 'late', 'ping', '-c1', '-W5', await addressOf(rig, stays));
    } finally {
      await rig.stop();
    }
  });

  it('delays the start of a dockerd, and its containers keep their addresses', async () => {
    const rig = await Rig.start({ pools: POOLS, dockerd: { liveRestore: true } });
    try {
      await rig.made('lan', '10.88.0.0/24');
      const id = await rig.dockerd.run('lan');
      const address = await addressOf(rig, id);
      await rig.dockerd.down('SIGKILL');
      await rig.stopAgent();
      await rig.dockerd.up();
      await rig.startAgent();
      assert.equal(await addressOf(rig, id), address);
      const other = await rig.dockerd.run('lan');
      await rig.dockerd.must('exec', other, 'ping', '-c1', '-W5', address);
      assert.equal((await rig.held()).length, 2);
      await rig.clear();
      await rig.holds(0);
    } finally {
      await rig.stop();
    }
  });
});

const addressOf = (rig: Rig, id: string): Promise<string> => rig.dockerd.addressOf(id, 'lan');
