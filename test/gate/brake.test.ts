import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeHeld } from '../../src/ledger/held.ts';
import { ledgerAddresses } from '../../src/cli/sim-addresses.ts';
import { released } from '../../src/core/held-queue.ts';
import type { HeldRecord } from '../../src/core/held-record.ts';
import { FailureLog } from '../../src/ledger/failure-log.ts';
import type { AddressSource } from '../../src/sim/addresses.ts';
import { listFailures } from '../../src/ledger/failures.ts';
import { opened } from '../ledger/opened.ts';
import { getVerdict } from '../../src/ledger/verdicts.ts';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import {
  smallNodes,
  smallTopology,
  startTestCluster,
  type TestCluster,
  type TestClusterOptions,
} from './cluster.ts';
import { webApp, webPod } from './specs.ts';

const soon = () => AbortSignal.timeout(180_000);
/** Launches that may be under way when the brake is pulled: a few of one offer, on each node. */
const UNDER_WAY = 12;

async function withRoomFor(
  addresses: number,
  use: (cluster: TestCluster) => Promise<void>,
  options: TestClusterOptions = {},
): Promise<void> {
  const cluster = await startTestCluster({
    topology: smallTopology(addresses),
    ...options,
  });
  try {
    await use(cluster);
  } finally {
    await cluster.stop();
  }
}

const has = async (cluster: TestCluster, app: string) =>
  (await cluster.direct('GET', `/v2/apps${app}`)).json.app;
const leases = (cluster: TestCluster, app: string) => cluster.gate.view.snapshot.heldBy(app);
const held = (cluster: TestCluster, app: string) => cluster.gate.view.held.get(app);
const runs = (cluster: TestCluster, app: string, count: number) =>
  cluster.until(
    async () => leases(cluster, app) === count && (await has(cluster, app)).tasksRunning === count,
    `${count} instances of ${app} run`,
  );
/** Past the gate, as one does who does not know of it. */
const around = async (cluster: TestCluster, app: string, instances: number, more = {}) => {
  const answer = await cluster.direct('POST', '/v2/apps', webApp(app, { instances, ...more }));
  assert.equal(answer.status, 201, answer.text);
};
/** In the ledger: one that is told there may be ended by the brake before its node says so. */
const failuresTold = async ({ store }: TestCluster): Promise<number> => {
  const { failures } = await listFailures(store, {}, soon());
  return failures.reduce((sum, { record }) => sum + record.count, 0);
};
/** Without a delay a loop uses up Marathon's 100 launches of half a minute, and then the next cycle waits for new ones. */
const SLOW_LOOP = { backoffSeconds: 0.2, backoffFactor: 1 };
/** Held with nothing left to do for it, neither for the gate nor for Marathon. */
const isHeld = async (cluster: TestCluster, app: string) => {
  await cluster.until(
    () => held(cluster, app) !== undefined && held(cluster, app)?.pending === undefined,
    `${app} is held`,
  );
  await cluster.idle();
};
/** So many launches are there: what was under way has come up, or has failed. */
const launched = (cluster: TestCluster, count: number) =>
  cluster.until(
    () => cluster.sim.world.fleet.containers.size === count,
    `${count} containers are there`,
  );

const everyLedger: readonly {
  of: string;
  with(use: (store?: Store) => Promise<void>): Promise<void>;
}[] = [
  { of: 'an embedded ledger', with: (use) => use() },
  {
    of: 'etcd',
    with: async (use) => {
      const etcd = await EtcdCluster.start(1);
      const store = openEtcdStore({ hosts: etcd.urls, clock: systemClock, log: silentLog });
      try {
        await use(store);
      } finally {
        await store.close();
        await etcd.stop();
      }
    },
  },
];

describe('a launch loop made around the gate', { timeout: 400_000 }, () => {
  for (const ledger of everyLedger)
    it(`ends after a few failures, says why, and goes on when room returns: ${ledger.of}`, () =>
      ledger.with((store) =>
        withRoomFor(
          5,
          async (cluster) => {
            await around(cluster, '/other', 3);
            await runs(cluster, '/other', 3);
            await around(cluster, '/web', 4);
            await isHeld(cluster, '/web');
            const { instances } = await has(cluster, '/web');
            assert.equal(instances, 2);
            await runs(cluster, '/web', 2);
            await launched(cluster, 5);
            const count = await failuresTold(cluster);
            assert.ok(count >= 3 && count <= 3 + UNDER_WAY, `${count} launches failed`);
            const failed = cluster.refusals();
            const record = held(cluster, '/web');
            assert.deepEqual(
              [record?.by, record?.wanted, record?.allowed, record?.ran, record?.cycles],
              ['brake', 4, 2, 2, 0],
            );
            const verdict = await getVerdict(cluster.store, record?.verdict ?? '', soon());
            assert.deepEqual(
              [verdict?.answer, verdict?.change, verdict?.message],
              ['hold', 'brake /v2/apps/web', record?.why],
            );
            assert.match(record?.why ?? '', /2 of 4 instances run, held so until there is room/);
            assert.equal(verdict?.nodes.length, 3);
            await systemClock.sleep(3_000, soon()); // the queue had its turn
            assert.deepEqual(cluster.refusals(), failed, 'the loop has ended');
            const path = '/v2/apps/other';
            assert.equal((await cluster.direct('PUT', path, { instances: 2 })).status, 200);
            await runs(cluster, '/web', 3); // as much as fits
            await cluster.idle();
            await cluster.direct('DELETE', '/v2/apps/other?force=true');
            await runs(cluster, '/web', 4);
            await cluster.until(() => held(cluster, '/web') === undefined, 'it waits no longer');
            assert.deepEqual(cluster.refusals(), failed);
          },
          store ? { store } : {},
        ),
      ));

  it('may end with nothing running at all, and restarts nothing of what is held', () =>
    withRoomFor(3, async (cluster) => {
      await around(cluster, '/other', 3);
      await runs(cluster, '/other', 3);
      const limits = { resourceLimits: { cpus: 1, mem: 64 }, labels: { CORRAL_PRIORITY: '7' } };
      await around(cluster, '/web', 2, limits);
      await isHeld(cluster, '/web');
      const { instances, resourceLimits } = await has(cluster, '/web');
      assert.deepEqual([instances, resourceLimits], [0, { cpus: 1, mem: 64 }]);
      assert.equal(held(cluster, '/web')?.priority, 7);
      await cluster.direct('DELETE', '/v2/apps/other?force=true');
      await runs(cluster, '/web', 2);
      assert.deepEqual((await has(cluster, '/web')).resourceLimits, { cpus: 1, mem: 64 });
    }));

  it('of a pod ends as well', () =>
    withRoomFor(3, async (cluster) => {
      await around(cluster, '/other', 2);
      await runs(cluster, '/other', 2);
      assert.equal((await cluster.direct('POST', '/v2/pods', webPod('/pod', 3))).status, 201);
      await isHeld(cluster, '/pod');
      const count = async () =>
        (await cluster.direct('GET', '/v2/pods/pod')).json.scaling.instances;
      assert.equal(await count(), 1);
      await cluster.direct('DELETE', '/v2/apps/other?force=true');
      await cluster.until(() => leases(cluster, '/pod') === 3, 'the pod is whole');
      assert.equal(await count(), 3);
      await cluster.until(() => held(cluster, '/pod') === undefined, 'it waits no longer');
    }));

  it('is let run where another node can take the launch', () =>
    withRoomFor(
      0,
      async (cluster) => {
        // rack r1 has room for one, rack r2 for all of them
        await around(cluster, '/web', 3, SLOW_LOOP);
        await runs(cluster, '/web', 3);
        assert.equal(held(cluster, '/web'), undefined);
        assert.equal((await has(cluster, '/web')).instances, 3);
      },
      {
        topology: {
          pools: {
            full: {
              cidr: '198.51.100.0/24',
              ranges: ['198.51.100.10'],
              nodes: { attributes: { rack: 'r1' } },
            },
            free: {
              cidr: '203.0.113.0/24',
              ranges: ['203.0.113.10-203.0.113.19'],
              nodes: { attributes: { rack: 'r2' } },
            },
          },
          networks: { prod: { pools: ['full', 'free'], default: '10mbit' } },
          nodes: Object.fromEntries(
            [1, 2, 3].map((n) => [`node-${n}.example.org`, { link: '1gbit' }]),
          ),
        },
      },
    ));

  it('is not touched where the brake is off', () =>
    withRoomFor(
      2,
      async (cluster) => {
        await around(cluster, '/web', 4, SLOW_LOOP);
        await cluster.until(() => cluster.sim.launchFailures().total > 10, 'it loops');
        assert.equal((await has(cluster, '/web')).instances, 4);
        assert.equal(held(cluster, '/web'), undefined);
      },
      { settings: { gate: { brake: { mode: 'off' } } } },
    ));

  it('is not stopped by leaving an upgrade half done', () =>
    withRoomFor(3, async (cluster) => {
      await around(cluster, '/web', 3, SLOW_LOOP);
      await runs(cluster, '/web', 3);
      await cluster.idle();
      const upgraded = await cluster.direct('PUT', '/v2/apps/web', { cmd: 'sleep 2000' });
      assert.equal(upgraded.status, 200, upgraded.text);
      await cluster.until(() => cluster.sim.launchFailures().total > 5, 'it loops');
      await systemClock.sleep(1_500, soon());
      assert.equal((await has(cluster, '/web')).instances, 3);
      assert.equal(held(cluster, '/web'), undefined);
    }));
});

describe('a client of a held app', { timeout: 400_000 }, () => {
  const heldAt2of4 = async (cluster: TestCluster) => {
    await around(cluster, '/other', 2);
    await runs(cluster, '/other', 2);
    await around(cluster, '/web', 4);
    await isHeld(cluster, '/web');
    assert.equal((await has(cluster, '/web')).instances, 2);
  };
  const forgotten = (cluster: TestCluster) =>
    cluster.until(() => held(cluster, '/web') === undefined, 'it waits no longer');

  for (const way of ['request', 'direct'] as const)
    it(`has the last word on the count (${way})`, () =>
      withRoomFor(4, async (cluster) => {
        await heldAt2of4(cluster);
        assert.equal((await cluster[way]('PUT', '/v2/apps/web', { instances: 1 })).status, 200);
        await forgotten(cluster);
        await cluster.direct('DELETE', '/v2/apps/other?force=true');
        await systemClock.sleep(3_000, soon());
        assert.equal((await has(cluster, '/web')).instances, 1);
      }));

  it('says nothing about the count by changing something else', () =>
    withRoomFor(4, async (cluster) => {
      await heldAt2of4(cluster);
      await cluster.direct('DELETE', '/v2/apps/other?force=true');
      await runs(cluster, '/web', 4);
      await cluster.idle();
      const change = { instances: 4, labels: { tier: 'gold' } };
      assert.equal((await cluster.direct('PUT', '/v2/apps/web', change)).status, 200);
      await forgotten(cluster);
    }));

  it('deletes it, and nothing is left', () =>
    withRoomFor(4, async (cluster) => {
      await heldAt2of4(cluster);
      await cluster.direct('DELETE', '/v2/apps/web');
      await forgotten(cluster);
      await cluster.direct('DELETE', '/v2/apps/other?force=true');
      await systemClock.sleep(2_500, soon());
      assert.equal((await cluster.direct('GET', '/v2/apps/web')).status, 404);
    }));
});

describe('an app that grows in vain', { timeout: 400_000 }, () => {
  it('is stopped after two cycles, and starts over when an operator says so', async (t) => {
    const store = await opened(t);
    const inner = ledgerAddresses({ store, clock: systemClock, coolDownMs: 0 });
    const failures = new FailureLog(store);
    const outside = { uses: true };
    // what the ledger has free somebody outside uses: the node refuses it
    const addresses: AddressSource = {
      give: (request) => inner.give(request),
      take: async (request) => {
        if (!outside.uses) return inner.take(request);
        const { node, app, task } = request;
        const about = { node, app, task, network: 'prod', short: 'address' } as const;
        failures.add({ atMs: systemClock.now(), ...about, why: 'all squatted' });
        await failures.flush(soon());
        return { ok: false, message: 'all squatted' };
      },
    };
    await withRoomFor(
      4,
      async (cluster) => {
        await around(cluster, '/web', 3, SLOW_LOOP);
        const stopped = () => held(cluster, '/web')?.stoppedMs !== undefined;
        await cluster.until(stopped, 'it is stopped');
        const record = held(cluster, '/web');
        assert.deepEqual([record?.wanted, record?.allowed, record?.cycles], [3, 0, 2]);
        assert.match(record?.why ?? '', /grew in vain 2 times .*corral held release \/web/);
        await isHeld(cluster, '/web');
        await launched(cluster, 0);
        const failed = cluster.sim.launchFailures().total;
        await systemClock.sleep(4_000, soon());
        assert.equal(cluster.sim.launchFailures().total, failed, 'nobody tries any more');
        const figures = await cluster.gate.registry.metrics();
        assert.match(figures, /corral_held_apps{state="stopped"} 1/);
        assert.match(figures, /corral_held_instances 3/);
        assert.match(figures, /corral_brakes_total{stopped="true"} 1/);
        outside.uses = false;
        const to = (now: HeldRecord | undefined) => now && released(now);
        await changeHeld(cluster.store, '/web', { to }, soon());
        await runs(cluster, '/web', 3);
      },
      {
        ...{ store, sim: { addresses } },
        ...{ topology: smallTopology(4, 1), nodes: smallNodes(1) },
        settings: { gate: { brake: { withinMs: 2_000, failures: 2 } } },
      },
    );
  });
});
