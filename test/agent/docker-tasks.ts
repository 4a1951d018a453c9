import type { AddressSource, TakeRequest } from '../../src/sim/addresses.ts';
import { type Dockerd, IMAGE } from '../fakes/dockerd.ts';
import { startTestCluster, type TestCluster } from '../gate/cluster.ts';
import { NODE, type Rig } from './rig.ts';

/** The Docker containerizer: a task is a `docker run`, as Mesos makes it. */
export const dockerTasks = (dockerd: Dockerd): AddressSource => ({
  take: async ({ task, app, env, networks }: TakeRequest) => {
    const [network = ''] = networks;
    const told = { ...env, MARATHON_APP_ID: app, MESOS_TASK_ID: task };
    const options = Object.entries(told).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const named = ['--name', nameOf(task), '--label', `MESOS_TASK_ID=${task}`];
    const ran = await dockerd.docker(
      ...['run', '-d', '--net', network, ...named, ...options, IMAGE, 'sleep', '100000'],
    );
    if (ran.code !== 0) return { ok: false, message: ran.err };
    return { ok: true, addresses: [await dockerd.addressOf(ran.out, network)] };
  },
  give: async ({ task }) => {
    await dockerd.docker('rm', '-f', nameOf(task));
  },
});

const nameOf = (task: string): string => `task-${task.replaceAll(/[^a-zA-Z0-9_.-]/g, '-')}`;

/** A gate before a simulated cluster of the rig's node, on the rig's ledger, whose tasks the rig's dockerd runs. */
export const dockerCluster = (rig: Rig, topology: unknown): Promise<TestCluster> =>
  startTestCluster({
    ...{ store: rig.store, topology },
    nodes: [{ name: NODE, cpus: 4, mem: 4_096, disk: 10_240, attributes: {} }],
    sim: { addresses: dockerTasks(rig.dockerd) },
  });
