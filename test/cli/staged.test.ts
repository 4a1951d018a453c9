import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stagedIn } from '../../src/cli/staged.ts';
import { Staging } from '../../src/cluster/mesos/staging.ts';
import type { TaskSeen } from '../../src/cluster/mesos/task-wire.ts';
import type { Demand } from '../../src/core/demand.ts';
import { Snapshot } from '../../src/core/snapshot.ts';

const UUID = '0b3a5a1e-8a43-4a54-9d7b-0123456789ab';

const snapshot = (): Snapshot => {
  const known = new Snapshot();
  known.setNetwork('prod', {
    v: 1,
    pools: [],
    attachment: 'bridge',
    defaultInKbit: 1_000,
    defaultOutKbit: 2_000,
  });
  const address = { network: 'prod', netInKbit: 50, netOutKbit: 60 };
  const demand: Demand = {
    ...{ cpus: 1, memMiB: 1, diskMiB: 0, gpus: 0 },
    ports: { any: 0, fixed: [] },
    addresses: [address],
  };
  known.setReservation('/promised', {
    ...{ v: 1, id: 'x', target: 2, demand, constraints: [], witness: [], draws: [] },
    ...{ growInKbit: 0, growOutKbit: 0 },
    ...{ sequence: 1, sinceMs: 0, deadlineMs: 1, fingerprint: '', until: 'leases' },
  });
  return known;
};

const task = (app: string, more: Partial<TaskSeen> = {}): TaskSeen => ({
  taskId: `${app}.instance-${UUID}._app.1`,
  frameworkId: 'f',
  agentId: 'S1',
  state: 'TASK_STAGING',
  networks: ['prod'],
  ...more,
});

describe('what is staged, for the fence', () => {
  for (const { says, seen, gives } of [
    {
      says: 'takes the networks’ defaults without a promise',
      seen: task('shop_web'),
      gives: [{ app: '/shop/web', inKbit: 1_000, outKbit: 2_000 }],
    },
    {
      says: 'takes what was promised to its app',
      seen: task('promised'),
      gives: [{ app: '/promised', inKbit: 50, outKbit: 60 }],
    },
    {
      says: 'takes what Mesos shows before either',
      seen: task('promised', { netInKbit: 7 }),
      gives: [{ app: '/promised', inKbit: 7, outKbit: 60 }],
    },
    {
      says: 'counts other frameworks’ tasks too',
      seen: task('x', { taskId: 'job-1' }),
      gives: [{ inKbit: 1_000, outKbit: 2_000 }],
    },
    { says: 'leaves out who joins no network', seen: task('web', { networks: [] }), gives: [] },
    {
      says: 'leaves out networks of others',
      seen: task('web', { networks: ['weave'] }),
      gives: [],
    },
    { says: 'leaves out agents not told of', seen: task('web', { agentId: 'S2' }), gives: [] },
  ])
    it(says, () => {
      const staging = new Staging();
      const agents = [{ agentId: 'S1', hostname: 'node-1.example.org' }];
      staging.apply({ type: 'SUBSCRIBED', tasks: [seen], agents, heartbeatMs: 15_000 }, 0);
      const expected = gives.map((one) => ({
        node: 'node-1.example.org',
        networks: ['prod'],
        ...one,
      }));
      assert.deepEqual(stagedIn(staging, snapshot()), expected);
    });
});
