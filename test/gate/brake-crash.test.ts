import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import { heldApps } from '../../src/ledger/held.ts';
import { listVerdicts } from '../../src/ledger/verdicts.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { type GateProcess, startGateProcess } from './gate-process.ts';
import { type Recorder, startRecorder } from './recorder.ts';
import { webApp } from './specs.ts';

/** A gate process with a Marathon of its own before it that can be stopped in the middle. */
interface Gate {
  readonly process: GateProcess;
  readonly marathon: Recorder;
  alive: boolean;
}

const soon = () => AbortSignal.timeout(180_000);
const PATIENCE_MS = 180_000;

describe('two gate processes on one etcd, of which the leader dies', { timeout: 400_000 }, () => {
  let etcd: EtcdCluster;
  let store: Store;
  let cluster: TestCluster;
  let gates: Gate[] = [];
  /** Counts that gates told Marathon, those that were cut off included. */
  const said: number[] = [];
  before(async () => {
    etcd = await EtcdCluster.start(1);
    store = openEtcdStore({ hosts: etcd.urls, clock: systemClock, log: silentLog });
    cluster = await startTestCluster({ topology: smallTopology(4), store });
    await cluster.gate.stop(); // the processes are the gates here
  });
  afterEach(async () => {
    for (const { process, marathon, alive } of gates) {
      if (alive) await process.stop();
      await marathon.close();
    }
    gates = [];
    for (const app of ['/web', '/other'])
      await cluster.direct('DELETE', `/v2/apps${app}?force=true`);
    await cluster.until(async () => (await cluster.leases()).length === 0, 'all is over');
    await heldApps.drop(store, '/web', soon());
  });
  after(async () => {
    await cluster.stop();
    await store.close();
    await etcd.stop();
  });

  const gateBefore = async (): Promise<Gate> => {
    const marathon = await startRecorder(cluster.sim.marathonUrls[0] ?? '');
    const process = await startGateProcess({
      settings: {
        GATE_MARATHON: marathon.url,
        GATE_MESOS: cluster.sim.mesosUrls.join(','),
        GATE_DECIDE_WITHIN_MS: '30000',
        LEDGER_KIND: 'etcd',
        LEDGER_HOSTS: etcd.urls.join(','),
      },
    });
    return { process, marathon, alive: true };
  };
  const twoGates = async () => {
    said.length = 0;
    const started = await Promise.allSettled([gateBefore(), gateBefore()]);
    gates = started.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    for (const one of started) if (one.status === 'rejected') throw one.reason;
  };
  const has = async (app: string) => (await cluster.direct('GET', `/v2/apps${app}`)).json.app;
  const held = () => heldApps.get(store, '/web', soon());
  const runs = (app: string, count: number) =>
    cluster.until(
      async () => (await has(app)).tasksRunning === count,
      `${count} of ${app} run`,
      PATIENCE_MS,
    );
  const around = async (app: string, instances: number) => {
    const answer = await cluster.direct('POST', '/v2/apps', webApp(app, { instances }));
    assert.equal(answer.status, 201, answer.text);
  };
  /** The leader is killed in the middle of the first scaling that `of` picks, told to Marathon or not. */
  const killAt = (of: (instances: number) => boolean, told: boolean) => {
    const killed = { so: false };
    for (const gate of gates)
      gate.marathon.intercept = async ({ method, target, body }) => {
        if (method !== 'PUT') return false;
        const { instances } = JSON.parse(body.toString()) as { instances: number };
        said.push(instances);
        if (killed.so || !of(instances)) return false;
        killed.so = true;
        if (told) await cluster.direct('PUT', target, body.toString());
        gate.alive = false;
        await gate.process.kill();
        return true; // nobody is there to be answered
      };
    return killed;
  };
  for (const { says, told, lowered } of [
    { says: 'before Marathon is told', told: false, lowered: [2, 2] },
    { says: 'after Marathon is told', told: true, lowered: [2] },
  ])
    it(`between the record and Marathon, ${says}: the other ends the loop, and nothing is done twice`, async () => {
      await twoGates();
      await around('/other', 2);
      await runs('/other', 2);
      const killed = killAt(() => true, told);
      await around('/web', 4);
      await cluster.until(() => killed.so, 'the leader is killed', PATIENCE_MS);
      await cluster.until(
        async () => {
          const record = await held();
          return record !== undefined && record.pending === undefined;
        },
        'the other has put it right',
        PATIENCE_MS,
      );
      assert.equal((await has('/web')).instances, 2);
      assert.deepEqual(said, lowered);
      const { wanted, allowed, by } = (await held()) ?? {};
      assert.deepEqual([wanted, allowed, by], [4, 2, 'brake']);
      await cluster.direct('DELETE', '/v2/apps/other?force=true');
      await runs('/web', 4);
      await cluster.until(async () => (await held()) === undefined, 'all run', PATIENCE_MS);
      const grown = said.slice(lowered.length);
      assert.deepEqual(grown, [...new Set(grown)].sort(), 'each step of growth was said once');
      assert.equal(grown.at(-1), 4);
      const { verdicts } = await listVerdicts(store, { limit: 1_000 }, soon());
      const brakes = verdicts.filter(({ record }) => record.change === 'brake /v2/apps/web');
      assert.equal(brakes.length, told ? 2 : 1, 'one for each loop of this file');
    });

  it('between the record of a growth and Marathon: the other judges it anew', async () => {
    await twoGates();
    await around('/other', 2);
    await runs('/other', 2);
    await around('/web', 4);
    await cluster.until(
      async () => (await held())?.allowed === 2 && (await held())?.pending === undefined,
      'it is held',
      PATIENCE_MS,
    );
    const killed = killAt((instances) => instances > 2, false);
    await cluster.direct('DELETE', '/v2/apps/other?force=true');
    await cluster.until(() => killed.so, 'the leader is killed', PATIENCE_MS);
    await runs('/web', 4);
    await cluster.until(async () => (await held()) === undefined, 'all run', PATIENCE_MS);
  });
});
