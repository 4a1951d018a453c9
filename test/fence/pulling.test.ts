import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { listFences } from '../../src/ledger/fences.ts';
import { FAST, smallTopology, startTestCluster, type TestCluster } from '../gate/cluster.ts';
import { webApp } from '../gate/specs.ts';
import { patience } from '../ledger/opened.ts';

const ADDRESSES = 6;
/** The images of these tests are never there in time, ms. */
const PULLS_FOR_MS = 3_600_000;
const WITHIN_MS = 180_000;
const IMAGE = { container: { type: 'DOCKER', docker: { image: 'registry.example.org/web:1' } } };

describe('launches whose image is being pulled', { timeout: 400_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      topology: smallTopology(ADDRESSES),
      timing: { ...FAST, pullMs: [PULLS_FOR_MS, PULLS_FOR_MS] },
      settings: {
        fence: { mode: 'on', margin: 1, reopenAfterMs: 500, everyMs: 500, patienceMs: 1_000 },
      },
    });
  });
  after(() => cluster.stop());

  const closed = (): number =>
    cluster.sim.world.fleet.nodes.filter(({ deactivated }) => deactivated).length;
  const pulling = (): number =>
    [...cluster.sim.world.fleet.containers.values()].filter(({ state }) => state === 'TASK_STAGING')
      .length;

  for (const { says, send } of [
    {
      says: 'past the gate',
      send: (app: object) => cluster.direct('POST', '/v2/apps', app),
    },
    {
      says: 'with a promise of the gate',
      send: (app: object) => cluster.request('POST', '/v2/apps', app),
    },
  ])
    it(`${says} take their nodes' addresses before there is any lease`, async () => {
      const answer = await send(webApp('/web', { instances: ADDRESSES, ...IMAGE }));
      assert.equal(answer.status, 201, answer.text);
      await cluster.until(() => pulling() === ADDRESSES, 'all are launched', WITHIN_MS);
      await cluster.until(() => closed() === 3, 'every node is out of offers', WITHIN_MS);
      assert.deepEqual(await cluster.leases(), []);
      const { records } = await listFences(cluster.store, patience());
      assert.deepEqual(
        [...records.values()].map(({ record }) => record.figures.addresses),
        [0, 0, 0],
      );
      await cluster.request('DELETE', '/v2/apps/web?force=true');
      await cluster.until(() => closed() === 0, 'every node is offered again', WITHIN_MS);
    });
});
