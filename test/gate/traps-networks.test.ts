import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestCluster, type TestCluster } from './cluster.ts';
import { type Spec, webApp, webPod } from './specs.ts';
import { promisedBelow, started, verdictOf } from './started.ts';

/** Two networks of a hundred addresses each that every node reaches. */
const twoNetworks = {
  pools: {
    'prod-a': { cidr: '198.51.100.0/24', ranges: ['198.51.100.10-198.51.100.109'] },
    'back-a': { cidr: '203.0.113.0/24', ranges: ['203.0.113.10-203.0.113.109'] },
  },
  networks: {
    prod: { pools: ['prod-a'], default: '10mbit' },
    back: { pools: ['back-a'], default: '5mbit' },
  },
  nodes: Object.fromEntries([1, 2, 3].map((n) => [`node-${n}.example.org`, { link: '1gbit' }])),
};
const container = (name: string, more: Spec = {}): Spec => ({ mode: 'container', name, ...more });
const docker = (more: Spec): Spec => ({
  networks: undefined,
  container: { type: 'DOCKER', docker: { image: 'example.org/web:1', ...more } },
});

let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster({
    virtual: true,
    topology: twoNetworks,
    sim: { defaultNetwork: 'prod' },
  });
  await started(
    cluster,
    webApp('/t9/web', { instances: 3 }),
    webPod('/t9/pod', 2),
    webApp('/t10/old', { instances: 3 }),
    webApp('/t10/kept', { instances: 1 }),
  );
});
after(() => cluster.stop());

/** Network, kbit/s in and out of each address that was promised to the app. */
async function asked(app: string): Promise<readonly string[]> {
  const record = (await cluster.reservations()).get(app);
  const addresses = record?.demand.addresses ?? [];
  return addresses.map(({ network, netInKbit: i, netOutKbit: o }) => `${network} ${i} ${o}`);
}

async function admitted(path: string, spec: Spec): Promise<readonly string[]> {
  const answer = await cluster.request('POST', path, spec);
  assert.equal(answer.status, 201, answer.text);
  assert.equal(verdictOf(answer), 'admit');
  return asked(String(spec['id']));
}

async function refused(spec: Spec, code: string): Promise<void> {
  const known = cluster.arrived().length;
  const answer = await cluster.request('POST', '/v2/apps', spec);
  assert.equal(answer.status, 422, answer.text);
  assert.equal(answer.headers.get('corral-refusal'), code, answer.text);
  assert.equal(cluster.arrived().length, known);
}

describe('trap 9: scaleBy', () => {
  it('trap 9: rounds up per app, and leaves pods alone', async () => {
    const answer = await cluster.request('PUT', '/v2/groups/t9', { scaleBy: 1.5 });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await promisedBelow(cluster, '/t9'), { '/t9/web': 5 });
  });
  it('trap 9: beside anything else is no scale, and Marathon is not asked', async () => {
    const known = cluster.arrived().length;
    const answer = await cluster.request('PUT', '/v2/groups/t9', { scaleBy: 2, id: '/t9' });
    assert.equal(answer.status, 422, answer.text);
    assert.equal(cluster.arrived().length, known);
  });
});

describe('trap 10: a group deletes what it omits', () => {
  it('trap 10: what it leaves out is not counted on while it still holds its addresses', async () => {
    const group = (instances: number) => ({
      apps: [webApp('/t10/kept'), webApp('/t10/new', { instances })],
    });
    const free = cluster.gate.view.snapshot.pools().find(({ name }) => name === 'prod-a')?.free;
    assert.ok(free);
    const over = await cluster.request('PUT', '/v2/groups/t10', group(free + 1));
    assert.equal(over.status, 422, over.text); // the three of /t10/old would have made room
    const fits = await cluster.request('PUT', '/v2/groups/t10', group(2));
    assert.equal(fits.status, 200, fits.text);
    assert.deepEqual(await promisedBelow(cluster, '/t10'), { '/t10/new': 2 });
    assert.equal((await cluster.direct('GET', '/v2/apps/t10/old')).status, 404);
  });
});

describe('trap 12: networks by default', () => {
  for (const [says, id, more] of [
    ['an unnamed network', '/t12/a', { networks: [{}] }],
    ['a mode in capitals', '/t12/b', { networks: [{ mode: 'CONTAINER', name: 'prod' }] }],
    ['ipAddress', '/t12/c', { networks: undefined, ipAddress: {} }],
    ['ipAddress by name', '/t12/d', { networks: undefined, ipAddress: { networkName: 'prod' } }],
    ['USER', '/t12/e', docker({ network: 'USER' })],
  ] as const) {
    it(`trap 12: ${says} takes an address of prod`, async () => {
      assert.deepEqual(await admitted('/v2/apps', webApp(id, more)), ['prod 1000 1000']);
    });
  }
});

describe('trap 13: docker parameters', () => {
  const withParameter = (key: string, value: string) =>
    docker({ parameters: [{ key, value }], network: 'HOST' });
  for (const key of ['net', 'network']) {
    it(`trap 13: --${key} puts a host app on a managed network`, async () => {
      const spec = webApp(`/t13/${key}`, withParameter(key, 'prod'));
      assert.deepEqual(await admitted('/v2/apps', spec), ['prod 1000 1000']);
    });
  }
  it('trap 13: --env may not set what is judged by the environment', () => {
    const parameters = [
      { key: 'network', value: 'prod' },
      { key: 'env', value: 'net_out=9gbit' },
    ];
    return refused(webApp('/t13/env', docker({ parameters, network: 'HOST' })), 'bypassed-env');
  });
  it('trap 13: --ip fixes one address, which two instances cannot share', () => {
    const parameters = [
      { key: 'network', value: 'prod' },
      { key: 'ip', value: '198.51.100.10' },
    ];
    const two = { instances: 2, ...docker({ parameters, network: 'HOST' }) };
    return refused(webApp('/t13/ip', two), 'shared-address');
  });
});

describe('trap 14: several networks', () => {
  it('trap 14: an app takes an address of each, with the limits of each', async () => {
    const labels = { net_in: '3mbit', net_out: '4mbit' };
    const networks = [container('prod'), container('back', { labels })];
    const spec = webApp('/t14/web', { networks, env: {} });
    assert.deepEqual(await admitted('/v2/apps', spec), ['prod 10000 10000', 'back 3000 4000']);
  });
  it('trap 14: a pod takes one per network, however many containers it has', async () => {
    const pod = webPod('/t14/pod', 1, { networks: [container('prod'), container('back')] });
    const [first] = pod['containers'] as readonly Spec[];
    const containers = [first, { ...first, name: 'side' }];
    const taken = await admitted('/v2/pods', { ...pod, containers });
    assert.deepEqual(
      taken.map((one) => one.split(' ')[0]),
      ['prod', 'back'],
    );
  });
});

describe('trap 15: figures in the environment', () => {
  it('trap 15: a secret cannot be judged', () =>
    refused(
      webApp('/t15/web', {
        env: { net_in: { secret: 'rate' } },
        secrets: { rate: { source: 'rates/web' } },
      }),
      'secret-rate',
    ));
  it('trap 15: a container of a pod overrides the pod, and the sum counts', async () => {
    const pod = webPod('/t15/pod', 1, { environment: { net_in: '1mbit', net_out: '1mbit' } });
    const [first] = pod['containers'] as readonly Spec[];
    const side = { ...first, name: 'side', environment: { net_in: '4mbit' } };
    const taken = await admitted('/v2/pods', { ...pod, containers: [first, side] });
    assert.deepEqual(taken, ['prod 5000 1000']);
  });
});
