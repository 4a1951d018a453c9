import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listVerdicts } from '../../src/ledger/verdicts.ts';
import type { Seen } from '../fakes/upstream.ts';
import { smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { webApp } from './specs.ts';

const ADDRESSES = 4;
const BRAKE = 'brake /v2/apps/web';
/** Its instances may all go before others come, so that an upgrade needs no more than they have. */
const web = webApp('/web', {
  instances: 4,
  upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
});

interface Held {
  /** It has been asked. */
  readonly asked: Promise<void>;
  /** Lets the answer go, which is as old as the question. */
  readonly answer: () => void;
}

const asksForDeployments = ({ method, target }: Seen): boolean =>
  method === 'GET' && target.split('?')[0] === '/v2/deployments';

/** Holds Marathon's answer to the nth question for its deployments. Only the brake asks: nothing is promised. */
function answersLate({ intercept, direct }: TestCluster, nth: number): Held {
  let count = 0;
  let answer = (): void => undefined;
  const isReleased = new Promise<void>((resolve) => (answer = resolve));
  const asked = new Promise<void>((resolve) => {
    intercept(async (seen, res) => {
      if (!asksForDeployments(seen)) return false;
      count += 1;
      if (count !== nth) return false;
      const { text } = await direct('GET', '/v2/deployments');
      resolve();
      await isReleased;
      res.writeHead(200, { 'content-type': 'application/json' }).end(text);
      return true;
    });
  });
  return { asked, answer: () => answer() };
}

/** Half of the addresses are taken, and an app that wants all of them loops. */
async function looping(use: (cluster: TestCluster, late: Held) => Promise<void>, nth: number) {
  const cluster = await startTestCluster({
    topology: smallTopology(ADDRESSES),
  });
  try {
    await cluster.direct('POST', '/v2/apps', webApp('/other', { instances: 2 }));
    await cluster.until(async () => (await running(cluster, '/other')) === 2, 'others run');
    await cluster.idle();
    const late = answersLate(cluster, nth);
    await cluster.direct('POST', '/v2/apps', web);
    await late.asked;
    await use(cluster, late);
  } finally {
    await cluster.stop();
  }
}

const has = async ({ direct }: TestCluster, app: string) =>
  (await direct('GET', `/v2/apps${app}`)).json.app;
const running = async (cluster: TestCluster, app: string): Promise<number> =>
  (await has(cluster, app)).tasksRunning as number;
const held = ({ gate }: TestCluster) => gate.view.held.get('/web');
/** Counts that the gate told Marathon by itself. */
const told = ({ arrived }: TestCluster): number[] =>
  arrived()
    .filter(({ method }) => method === 'PUT')
    .map(({ body }) => (JSON.parse(body.toString()) as { instances: number }).instances);

async function brakes({ store }: TestCluster): Promise<number> {
  const { verdicts } = await listVerdicts(store, { limit: 1_000 }, AbortSignal.timeout(180_000));
  return verdicts.filter(({ record }) => record.change === BRAKE).length;
}

describe(
  'what happens to a looping app while the brake asks Marathon',
  { timeout: 400_000 },
  () => {
    it('counts, where it was promised room: it is not held, and keeps its promise', () =>
      looping(async (cluster, late) => {
        await cluster.direct('DELETE', '/v2/apps/other');
        await cluster.until(
          () => cluster.gate.view.snapshot.heldBy('/other') === 0,
          'room returns',
        );
        const path = '/v2/apps/web?force=true';
        const upgraded = await cluster.request('PUT', path, { ...web, cmd: 'sleep 2000' });
        assert.equal(upgraded.status, 200, upgraded.text);
        late.answer();
        await cluster.until(
          async () => (await has(cluster, '/web')).cmd === 'sleep 2000',
          'Marathon has the new definition',
        );
        await cluster.until(async () => (await running(cluster, '/web')) === 4, 'all of it runs');
        await cluster.until(async () => (await cluster.reservations()).size === 0, 'it is kept');
        assert.equal(await brakes(cluster), 0);
        assert.equal(held(cluster), undefined);
      }, 1));

    it('counts, where somebody scales it: theirs is what is wanted', () =>
      looping(async (cluster, late) => {
        await cluster.direct('PUT', '/v2/apps/web?force=true', { instances: 3 });
        late.answer();
        await cluster.until(
          () => held(cluster) !== undefined && held(cluster)?.pending === undefined,
          'it is held',
        );
        assert.deepEqual([held(cluster)?.allowed, held(cluster)?.wanted], [2, 3]);
      }, 2));

    it('counts, where more of it comes up: none of that is ended', () =>
      looping(async (cluster, late) => {
        await cluster.direct('DELETE', '/v2/apps/other');
        await cluster.until(async () => (await running(cluster, '/web')) === 4, 'all of it runs');
        late.answer();
        await cluster.until(() => held(cluster) === undefined, 'it waits no longer');
        assert.deepEqual(told(cluster), [], 'Marathon was told nothing');
        assert.equal(await running(cluster, '/web'), 4);
      }, 2));
  },
);
