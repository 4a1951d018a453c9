import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { webApp, webPod, type Spec } from './specs.ts';
import { promisedBelow, settled, started, verdictOf } from './started.ts';

describe('updates', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({ virtual: true, topology: smallTopology(200) });
    await started(
      cluster,
      webApp('/t2/web', { instances: 2, env: { net_in: '3mbit', net_out: '7mbit' } }),
      webApp('/t3/web', { instances: 2, resourceLimits: { cpus: 1, mem: 64 } }),
      webApp('/t3/plain', { instances: 2 }),
      webApp('/t6/web', { instances: 2, env: { net_in: '3mbit', net_out: '9mbit' } }),
      webApp('/t16/web', { instances: 2 }),
    );
  });
  after(() => cluster.stop());

  const limitsOf = async (app: string): Promise<readonly [number, number][]> => {
    const record = (await cluster.reservations()).get(app);
    return (record?.demand.addresses ?? []).map(({ netInKbit, netOutKbit }) => [
      netInKbit,
      netOutKbit,
    ]);
  };

  it('trap 2: what a partial update leaves out comes from the stored app', async () => {
    const answer = await cluster.request('PUT', '/v2/apps/t2/web', { cmd: 'sleep 2' });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await promisedBelow(cluster, '/t2'), { '/t2/web': 4 });
    assert.deepEqual(await limitsOf('/t2/web'), [[3_000, 7_000]]);
  });
  it('trap 2: a map is replaced whole, and the default of the network counts again', async () => {
    await settled(cluster, { '/t2/web': 2 });
    const answer = await cluster.request('PATCH', '/v2/apps/t2/web', { env: { A: '1' } });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await limitsOf('/t2/web'), [[10_000, 10_000]]);
  });

  it('trap 3: a mere count restarts an app with resource limits', async () => {
    const body = { instances: 3 };
    assert.equal((await cluster.request('PUT', '/v2/apps/t3/web', body)).status, 200);
    assert.equal((await cluster.request('PUT', '/v2/apps/t3/plain', body)).status, 200);
    const promised = { '/t3/web': 5, '/t3/plain': 3 };
    assert.deepEqual(await promisedBelow(cluster, '/t3'), promised);
  });

  it('trap 6: going back is judged by the definition it goes back to', async () => {
    const { json } = await cluster.request('GET', '/v2/apps/t6/web');
    const env = { net_in: '1mbit', net_out: '1mbit' };
    await cluster.request('PUT', '/v2/apps/t6/web', { env });
    await settled(cluster, { '/t6/web': 2 });
    const answer = await cluster.request('PUT', '/v2/apps/t6/web', { version: json.app.version });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await promisedBelow(cluster, '/t6'), { '/t6/web': 4 });
    assert.deepEqual(await limitsOf('/t6/web'), [[3_000, 9_000]]);
  });

  it('trap 11: partial or not, an unknown app or pod is created', async () => {
    const app = webApp('/t11/web', { instances: 2 });
    for (const path of ['/v2/apps/t11/web?partialUpdate=false', '/v2/apps/t11/other'])
      assert.equal((await cluster.request('PUT', path, app)).status, 201);
    const pod = await cluster.request('PUT', '/v2/pods/t11/pod', webPod('/t11/pod', 3));
    assert.equal(pod.status, 200, pod.text);
    const promised = { '/t11/web': 2, '/t11/other': 2, '/t11/pod': 3 };
    assert.deepEqual(await promisedBelow(cluster, '/t11'), promised);
  });

  for (const [says, scaling] of [
    ['text', { kind: 'fixed', instances: '5' }],
    ['a fraction', { kind: 'fixed', instances: 2.5 }],
    ['a list', { kind: 'fixed', instances: [3] }],
    ['over 32 bits', { kind: 'fixed', instances: 3_000_000_000 }],
    ['negative', { kind: 'fixed', instances: -1 }],
  ] as const) {
    it(`trap 16: a pod whose count is ${says} is refused before Marathon takes it for 1`, async () => {
      const known = cluster.arrived().length;
      const pod = webPod('/t16/bad', 1, { scaling });
      for (const [method, path] of [
        ['POST', '/v2/pods'],
        ['PUT', '/v2/pods/t16/bad'],
      ] as const) {
        const answer = await cluster.request(method, path, pod);
        assert.equal(answer.status, 422, answer.text);
        assert.equal(answer.json.details[0].path, '/scaling/instances');
      }
      assert.equal(cluster.arrived().length, known);
      assert.deepEqual(await promisedBelow(cluster, '/t16'), {});
    });
  }
  it('trap 16: a pod without a count is one, an app with null keeps its own', async () => {
    const pod = webPod('/t16/pod', 1, { scaling: { kind: 'fixed' } });
    assert.equal((await cluster.request('POST', '/v2/pods', pod)).status, 201);
    const body = { instances: null, cmd: 'sleep 3' };
    assert.equal((await cluster.request('PUT', '/v2/apps/t16/web', body)).status, 200);
    const promised = { '/t16/pod': 1, '/t16/web': 4 };
    assert.deepEqual(await promisedBelow(cluster, '/t16'), promised);
  });
});

/** Only nodes of rack r1 reach a pool of "prod", and Marathon does not know that. */
const oneRack = {
  pools: {
    'prod-r1': {
      cidr: '198.51.100.0/24',
      ranges: ['198.51.100.10-198.51.100.99'],
      gateway: '198.51.100.1',
      nodes: { attributes: { rack: 'r1' } },
    },
  },
  networks: { prod: { pools: ['prod-r1'], default: '10mbit' } },
  nodes: {
    'node-1.example.org': { link: '1gbit', attributes: { rack: 'r1' } },
    'node-2.example.org': { link: '1gbit', attributes: { rack: 'r1' } },
    'node-3.example.org': { link: '1gbit', attributes: { rack: 'r2' } },
  },
};

describe('constraints that the gate added', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({ virtual: true, topology: oneRack });
  });
  after(() => cluster.stop());

  const launched = async (spec: Spec): Promise<unknown> => {
    const answer = await cluster.request('POST', '/v2/apps', spec);
    assert.equal(verdictOf(answer), 'reroute', answer.text);
    await settled(cluster, { [String(spec['id'])]: Number(spec['instances']) });
    assert.equal(cluster.sim.failuresPerMinute(), 0);
    return (JSON.parse(String(cluster.arrived().at(-1)?.body)) as Spec)['constraints'];
  };
  const untilOf = async (app: string): Promise<unknown> =>
    (await cluster.reservations()).get(app)?.until;

  it('trap 4: a client that sends its own file with another count restarts nothing', async () => {
    const own = webApp('/t4/web', { instances: 2 });
    const added = await launched(own);
    const answer = await cluster.request('PUT', '/v2/apps/t4/web', { ...own, instances: 3 });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(await untilOf('/t4/web'), 'leases'); // a scale, no rolling change
    assert.deepEqual(await promisedBelow(cluster, '/t4'), { '/t4/web': 3 });
    const { json } = await cluster.request('GET', '/v2/apps/t4/web');
    assert.deepEqual(json.app.constraints, added);
  });

  it('trap 5: a file without constraints of its own empties nothing that was added', async () => {
    const own = webApp('/t5/own', { instances: 2 });
    const added = await launched(own);
    const stated = { ...own, instances: 3, constraints: [] };
    const answer = await cluster.request('PUT', '/v2/apps/t5/own', stated);
    assert.equal(answer.status, 200, answer.text);
    const { json } = await cluster.request('GET', '/v2/apps/t5/own');
    assert.deepEqual(json.app.constraints, added);
    assert.equal(await untilOf('/t5/own'), 'leases');
  });

  it('trap 5: what was read, changed and sent back arrives as it is', async () => {
    await launched(webApp('/t5/web', { instances: 2 }));
    const { json } = await cluster.request('GET', '/v2/apps/t5/web');
    const { constraints, instances } = json.app as { constraints: unknown; instances: number };
    const back = { constraints, instances: instances + 1, env: json.app.env };
    const answer = await cluster.request('PUT', '/v2/apps/t5/web', back);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(String(cluster.arrived().at(-1)?.body), JSON.stringify(back));
    assert.equal(await untilOf('/t5/web'), 'leases');
  });
});
