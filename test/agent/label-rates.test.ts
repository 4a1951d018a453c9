import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { basename, dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { StartPart } from '../../src/agent/part.ts';
import { reconcilePart } from '../../src/agent/reconcile-part.ts';
import { shapingPart } from '../../src/agent/shaping.ts';
import { factName } from '../../src/core/container-facts.ts';
import type { LeaseRecord } from '../../src/core/lease-record.ts';
import { appRates } from '../../src/ledger/app-rates.ts';
import { keys } from '../../src/ledger/keys.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { IMAGE } from '../fakes/dockerd.ts';
import type { TestCluster } from '../gate/cluster.ts';
import { dockerCluster } from './docker-tasks.ts';
import { NODE, Rig, soon } from './rig.ts';

const exec = promisify(execFile);

const TOPOLOGY = {
  pools: { wide: { cidr: '10.88.0.0/24', gateway: '10.88.0.1' } },
  networks: { prod: { pools: ['wide'], default: '9mbit' } },
  nodes: { [NODE]: { link: '1gbit' } },
};
const factNames = {
  rates: { in: 'net_in', out: 'net_out' },
  app: [factName('env:MARATHON_APP_ID')],
  task: [],
};
const netnsOf = (socket: string): string => `/run/netns/${basename(dirname(socket))}`;
const shaping: StartPart = (context) =>
  shapingPart({ netns: netnsOf(context.settings.docker.socket) })(context);

/** Its rates stand in its network's labels, which Docker never sees. */
const labelled = (id: string, labels: object, env: object = {}) => ({
  ...{ id, cmd: 'sleep 100000', instances: 1, cpus: 0.1, mem: 8, env },
  container: { type: 'DOCKER', docker: { image: IMAGE } },
  networks: [{ mode: 'container', name: 'prod', labels }],
});

describe('rates in the labels of a network, from the gate to the kernel of a real node', () => {
  let rig: Rig;
  let cluster: TestCluster;
  before(async () => {
    const { pools, networks } = TOPOLOGY;
    rig = await Rig.start({ pools, networks, parts: [reconcilePart({ factNames }), shaping] });
    await rig.made('prod', '10.88.0.0/24', '--label', 'net_out=7mbit');
    cluster = await dockerCluster(rig, TOPOLOGY);
  });
  after(async () => {
    await cluster.stop();
    await rig.stop();
  });

  const post = async (spec: object) => {
    const answer = await cluster.request('POST', '/v2/apps', spec);
    assert.equal(answer.status, 201, answer.text);
  };

  /** The lease of the app's instance once its container has started. */
  async function leaseOf(app: string): Promise<LeaseRecord> {
    for (const late = soon(); ; await clock.sleep(50, soon())) {
      const lease = [...(await rig.leases()).values()].find((one) => one.app === app);
      if (lease?.startedMs !== undefined) return lease;
      assert(!late.aborted, `${app} has not started`);
    }
  }

  /** Ceilings of all classes on the node, Mbit/s. */
  async function inKernel(...mbit: readonly number[]): Promise<void> {
    const enter = [`--net=${netnsOf(rig.dockerd.socket)}`];
    for (const late = soon(); ; await clock.sleep(100, soon())) {
      const links = await exec('nsenter', [...enter, 'ip', '-o', 'link']);
      const names = [...links.stdout.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name = '']) => name);
      const shown = await Promise.all(
        names.map((dev) =>
          // an interface may go between the two
          exec('nsenter', [...enter, 'tc', 'class', 'show', 'dev', dev]).catch(() => undefined),
        ),
      );
      const text = shown.map((one) => one?.stdout ?? '').join('');
      if (mbit.every((one) => text.includes(`ceil ${one}Mbit`))) return;
      assert(!late.aborted, `the kernel does not show ${mbit.join(' and ')} Mbit/s: ${text}`);
    }
  }

  it('are what the kernel enforces', async () => {
    await post(labelled('/shop/web', { net_in: '20mbit', net_out: '11mbit' }));
    const { asked, counted } = await leaseOf('/shop/web');
    assert.deepEqual(asked, { netInKbit: 20_000, netOutKbit: 11_000 });
    assert.deepEqual([counted?.netInKbit, counted?.netOutKbit], [20_000, 11_000]);
    await inKernel(20, 11);
    assert.deepEqual(await rig.findings(), []);
  });

  it('are those of the start: who runs keeps them, who starts anew has the newest', async () => {
    const networks = { prod: { netInKbit: 25_000, netOutKbit: 13_000 } };
    const record = { v: 1, networks, sinceMs: 1 } as const;
    await appRates.set(rig.store, { app: '/shop/web', record }, soon());
    const looked = async () => (await rig.store.get(keys.reconciled(NODE), soon()))?.revision;
    await rig.stopAgent();
    const lookedBefore = await looked();
    await rig.startAgent();
    await cluster.until(
      async () => (await looked()) !== lookedBefore,
      'it looked at all that runs',
      180_000,
    );
    const before = await leaseOf('/shop/web');
    assert.deepEqual(before.asked, { netInKbit: 20_000, netOutKbit: 11_000 });
    await inKernel(20, 11);
    await rig.dockerd.must('restart', '-t', '0', before.container ?? '');
    await cluster.until(
      async () => (await leaseOf('/shop/web')).asked?.netInKbit === 25_000,
      'it started anew',
      180_000,
    );
    await inKernel(25, 13);
    assert.deepEqual(await rig.findings(), []);
  });

  it('give way to the environment, and go before those of the Docker network', async () => {
    await post(
      labelled('/shop/env', { net_in: '21mbit', net_out: '12mbit' }, { net_in: '31mbit' }),
    );
    const { asked } = await leaseOf('/shop/env');
    assert.deepEqual(asked, { netInKbit: 31_000, netOutKbit: 12_000 });
    await inKernel(31, 12);
  });

  it('are those of the Docker network, then the default, where the app has none', async () => {
    await post(labelled('/shop/bare', {}));
    const { asked, counted } = await leaseOf('/shop/bare');
    assert.deepEqual(asked, { netOutKbit: 7_000 });
    assert.deepEqual([counted?.netInKbit, counted?.netOutKbit], [9_000, 7_000]);
    await inKernel(9, 7);
  });

  it('are none where the ledger’s word of them does not read, which is told', async () => {
    const odd = 'corral_agent_rates_unusable_total';
    const before = await rig.figure(odd);
    const value = '{"v":1,"networks":{"prod":{"netInKbit":"10;rm -rf /"}},"sinceMs":1}';
    const put = { put: keys.appRates('/hostile'), value };
    await rig.store.commit({ guards: [], writes: [put] }, soon());
    const env = ['-e', 'MARATHON_APP_ID=/hostile'];
    await rig.dockerd.run('prod', ...env);
    const { asked, counted } = await leaseOf('/hostile');
    assert.deepEqual([asked, counted?.netInKbit], [{ netOutKbit: 7_000 }, 9_000]);
    await cluster.until(async () => (await rig.figure(odd)) > before, 'it is counted');
    const [finding, ...others] = (await rig.findings()) as readonly { readonly key: string }[];
    assert.deepEqual([finding?.key, others], [keys.appRates('/hostile'), []]);
    const drop = { drop: keys.appRates('/hostile') };
    await rig.store.commit({ guards: [], writes: [drop] }, soon());
  });
});
