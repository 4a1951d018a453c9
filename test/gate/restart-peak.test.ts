import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { smallNodes, smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { webApp } from './specs.ts';

interface Upgrade {
  readonly says: string;
  /** Minimum health and maximum over capacity. */
  readonly strategy: readonly [number, number];
  /** Addresses of the cluster that an upgrade of five instances needs at the least. */
  readonly needs: number;
}

const UPGRADES: readonly Upgrade[] = [
  { says: 'old and new at once', strategy: [1, 1], needs: 10 },
  { says: 'one more than run', strategy: [1, 0], needs: 6 },
  { says: 'half are stopped first', strategy: [0.5, 0], needs: 5 },
];

const fiveOf = ([minimumHealthCapacity, maximumOverCapacity]: Upgrade['strategy'], more = {}) =>
  webApp('/web', {
    instances: 5,
    upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity },
    ...more,
  });

/** Runs five instances on a cluster of so many addresses and hands it on. */
async function withFive(
  addresses: number,
  spec: Readonly<Record<string, unknown>>,
  use: (cluster: TestCluster) => Promise<void>,
): Promise<void> {
  const cluster = await startTestCluster({
    topology: smallTopology(addresses),
  });
  try {
    const created = await cluster.request('POST', '/v2/apps', spec);
    assert.equal(created.status, 201, created.text);
    await settled(cluster);
    await use(cluster);
    assert.equal(cluster.sim.launchFailures().total, 0);
  } finally {
    await cluster.stop();
  }
}

const settled = (cluster: TestCluster): Promise<void> =>
  cluster.until(async () => {
    const { json } = await cluster.direct('GET', '/v2/deployments');
    return json.length === 0 && (await cluster.reservations()).size === 0;
  }, 'no deployment runs and nothing is promised');

describe('an upgrade of five instances', { timeout: 400_000 }, () => {
  for (const { says, strategy, needs } of UPGRADES) {
    const [health, over] = strategy;
    it(`at ${health}/${over} needs ${needs} addresses: ${says}`, () =>
      withFive(needs, fiveOf(strategy), async (cluster) => {
        const answer = await cluster.request('PUT', '/v2/apps/web', { cmd: 'sleep 2000' });
        assert.equal(answer.status, 200, answer.text);
        assert.equal((await cluster.reservations()).get('/web')?.target, needs);
        await settled(cluster);
      }));

    if (needs > 5)
      it(`at ${health}/${over} is refused with ${needs - 1}`, () =>
        withFive(needs - 1, fiveOf(strategy), async (cluster) => {
          const answer = await cluster.request('PUT', '/v2/apps/web', { cmd: 'sleep 2000' });
          assert.equal(answer.status, 422, answer.text);
          assert.match(answer.json.message, /1 short/);
          const { json } = await cluster.direct('GET', '/v2/apps/web');
          assert.equal(json.app.cmd, 'sleep 1000');
        }));
  }

  it('is what {"instances":n} comes to when it erases resourceLimits', () =>
    withFive(9, fiveOf([1, 1], { resourceLimits: { cpus: 1 } }), async (cluster) => {
      const fewer = await cluster.request('PUT', '/v2/apps/web', { instances: 4 });
      assert.equal(fewer.status, 200, 'four new beside five old');
      assert.equal((await cluster.reservations()).get('/web')?.until, 'deployment');
      await settled(cluster);
    }));
});

describe('an upgrade that asks for more bandwidth', { timeout: 400_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      nodes: smallNodes(1),
      topology: smallTopology(50, 1),
      virtual: true,
    });
  });
  after(() => cluster.stop());
  beforeEach(async () => {
    await cluster.request('POST', '/v2/apps', fiveOf([0.5, 0], rate(50)));
    await cluster.clock?.advance(3_000);
    await settled(cluster);
  });

  const rate = (mbit: number) => ({ env: { net_in: '1mbit', net_out: `${mbit}mbit` } });

  it('is promised what it will need, though no address is added', async () => {
    // 950 Mbit/s are there: 250 run, 750 will.
    const grown = await cluster.request('PUT', '/v2/apps/web', rate(150));
    assert.equal(grown.status, 200, grown.text);
    assert.equal((await cluster.reservations()).get('/web')?.growOutKbit, 100_000);
    const rival = await cluster.request('POST', '/v2/apps', webApp('/rival', rate(201)));
    assert.equal(rival.status, 422, 'the growth is taken');
    const modest = await cluster.request('POST', '/v2/apps', webApp('/modest', rate(200)));
    assert.equal(modest.status, 201, modest.text);
    await cluster.clock?.advance(10_000);
    await settled(cluster);
    const [node] = cluster.gate.view.snapshot.nodes();
    assert.equal(node?.tally?.netOutKbit, 950_000);
    assert.equal(node?.room.netOutKbit, 0);
    const beyond = await cluster.request('PUT', '/v2/apps/web', rate(151));
    assert.equal(beyond.status, 422, 'and no more than there is');
  });
});
