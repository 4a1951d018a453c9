import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { listFences } from '../../src/ledger/fences.ts';
import type { SimNode } from '../../src/sim/nodes.ts';
import { FAST, startTestCluster, type TestCluster } from '../gate/cluster.ts';
import { plainApp, webApp } from '../gate/specs.ts';
import { patience } from '../ledger/opened.ts';
import { twoRacks } from './two-racks.ts';

const R1 = ['node-1.example.org', 'node-2.example.org'];
const ADDRESSES = 6;
const WITHIN_MS = 180_000;

const onR1 = { constraints: [['rack', 'LIKE', 'r1']], cpus: 0.1 };

describe('a fence by tokens before a simulated Mesos 1.9', { timeout: 400_000 }, () => {
  let cluster: TestCluster;
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'corral-token-'));
    const passwordFile = join(directory, 'password');
    await writeFile(passwordFile, 's3cret\n');
    cluster = await startTestCluster({
      topology: twoRacks(ADDRESSES),
      timing: FAST,
      sim: {
        mesosTraits: {
          ...{ version: '1.9.0', token: 'fence_ok' },
          ...{ credentials: { corral: 's3cret', guest: 'guest' }, operators: ['corral', 'guest'] },
        },
      },
      settings: {
        gate: { auth: { user: 'corral', passwordFile } },
        fence: {
          ...{ mode: 'on', token: 'fence_ok', margin: 1 },
          ...{ reopenAfterMs: 500, everyMs: 500, patienceMs: 1_000 },
        },
      },
    });
  });
  after(async () => {
    await cluster.stop();
    await rm(directory, { recursive: true });
  });

  const nodes = (): readonly SimNode[] => cluster.sim.world.fleet.nodes;
  const taken = (): string[] =>
    nodes().flatMap(({ name, token }) => (token?.role === 'corral-fence' ? [name] : []));
  const recorded = async (): Promise<readonly string[]> => {
    const { records } = await listFences(cluster.store, patience());
    return [...records].flatMap(([node, { record }]) =>
      record.by === 'token' && record.state === 'closed' ? [node] : [],
    );
  };
  const running = async (app: string): Promise<number> =>
    (await cluster.direct('GET', `/v2/apps${app}`)).json.app.tasksRunning;
  const until = (holds: () => boolean | Promise<boolean>, what: string) =>
    cluster.until(holds, what, WITHIN_MS);
  const resized = async (instances: number): Promise<void> => {
    await cluster.idle();
    const { status, text } = await cluster.request('PUT', '/v2/apps/full', { instances });
    assert.equal(status, 200, text);
  };
  const bothOut = async (): Promise<boolean> =>
    taken().length === 2 && (await recorded()).length === 2;

  it('takes a rack without room out of offers, and leaves every flag alone', async () => {
    const full = webApp('/full', { instances: ADDRESSES, ...onR1 });
    assert.equal((await cluster.request('POST', '/v2/apps', full)).status, 201);
    await until(async () => (await running('/full')) === ADDRESSES, 'rack r1 is full');
    await until(bothOut, 'the tokens of rack r1 are reserved and that is on record');
    assert.deepEqual(taken(), R1);
    assert.ok(nodes().every(({ deactivated }) => !deactivated));
    const labels = nodes()[0]?.token?.labels ?? [];
    assert.deepEqual(labels.find(({ key }) => key === 'owner')?.value, 'corral');
    assert.equal(nodes()[0]?.token?.principal, 'corral');
    assert.match(cluster.gate.fence?.state().force?.why ?? '', /1\.10.*"fence_ok" is taken/);
  });

  it('opens for what needs no address, closes again, and is open when room returns', async () => {
    await cluster.direct('POST', '/v2/apps', plainApp('/host', onR1));
    await until(async () => (await running('/host')) === 1, 'it runs on rack r1');
    await until(bothOut, 'rack r1 is out of offers again');
    await resized(2);
    await until(async () => taken().length === 0, 'the tokens are given back');
    await until(async () => (await recorded()).length === 0, 'nothing is on record');
  });

  it('goes on after the master failed over, and leaves a token that another reserved', async () => {
    const third = nodes()[2]!;
    third.token = { role: 'batch', principal: 'guest', labels: [{ key: 'owner', value: 'guest' }] };
    await resized(ADDRESSES);
    await until(async () => (await running('/full')) === ADDRESSES, 'rack r1 is full');
    await until(bothOut, 'rack r1 is out of offers');
    cluster.sim.world.master.abdicate();
    await until(() => nodes().every(({ recovered }) => !recovered), 'the agents registered again');
    await until(bothOut, 'rack r1 is out of offers still');
    await cluster.request('DELETE', '/v2/apps/full?force=true');
    await until(async () => taken().length === 0, 'the tokens are given back');
    assert.equal(third.token?.role, 'batch');
    assert.equal(cluster.sim.launchFailures().total, 0);
  });
});
