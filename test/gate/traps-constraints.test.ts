import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import {
  smallNodes,
  smallTopology,
  startTestCluster,
  type TestCluster,
  type TestClusterOptions,
} from './cluster.ts';
import { plainApp, webApp } from './specs.ts';
import { promisedBelow, settled, started, verdictOf } from './started.ts';

let cluster: TestCluster;
const start = async (more: TestClusterOptions = {}): Promise<void> => {
  cluster = await startTestCluster({ virtual: true, topology: smallTopology(20), ...more });
};
afterEach(() => cluster.stop());

describe('trap 17: constraints that count new instances only', () => {
  it('trap 17: an upgrade of UNIQUE instances may put two on a node, so it is judged at its peak', async () => {
    const unique = webApp('/t17/web', { instances: 3, constraints: [['hostname', 'UNIQUE']] });
    await start({ topology: smallTopology(5) });
    await started(cluster, unique);
    const over = await cluster.request('PUT', '/v2/apps/t17/web', { cmd: 'sleep 2' });
    assert.equal(over.status, 422, over.text);
    assert.match(over.json.message as string, /1 short/);
    await cluster.stop();
    await start({ topology: smallTopology(6) });
    await started(cluster, unique);
    const fits = await cluster.request('PUT', '/v2/apps/t17/web', { cmd: 'sleep 2' });
    assert.equal(fits.status, 200, fits.text);
    assert.deepEqual(await promisedBelow(cluster, '/t17'), { '/t17/web': 6 });
    const scale = await cluster.request('PUT', '/v2/apps/t17/web?force=true', { instances: 4 });
    assert.equal(scale.status, 422, 'a fourth has no node of its own');
  });
});

describe('trap 18: patterns', () => {
  const lacking = smallNodes().map((node, i) => (i === 2 ? { ...node, attributes: {} } : node));
  const launch = (id: string, constraints: readonly (readonly string[])[], instances = 3) =>
    cluster.request('POST', '/v2/apps', webApp(id, { instances, constraints }));

  it('trap 18: UNLIKE holds where the attribute is missing, LIKE does not', async () => {
    await start({ nodes: lacking });
    const each = ['hostname', 'UNIQUE'];
    const unlike = await launch('/t18/a', [['rack', 'UNLIKE', 'r9'], each]);
    assert.equal(unlike.status, 201, unlike.text);
    const like = await launch('/t18/b', [['rack', 'LIKE', 'r.'], each]);
    assert.equal(like.status, 422, like.text);
    assert.match(like.json.message as string, /2 of 3 fit/);
    await settled(cluster, { '/t18/a': 3 });
    assert.equal(cluster.sim.launchFailures().total, 0);
  });

  it('trap 18: a pattern must match the whole value', async () => {
    await start();
    assert.equal((await launch('/t18/c', [['rack', 'LIKE', 'r']], 1)).status, 422);
    assert.equal((await launch('/t18/d', [['rack', 'LIKE', 'r1|x']], 1)).status, 201);
  });

  it('trap 18: host names that are written into constraints have their dots escaped', async () => {
    const topology = {
      pools: {
        'prod-3': {
          cidr: '198.51.100.0/24',
          ranges: ['198.51.100.10-198.51.100.29'],
          nodes: { names: ['node-3.example.org'] },
        },
      },
      networks: { prod: { pools: ['prod-3'], default: '10mbit' } },
      nodes: Object.fromEntries([1, 2, 3].map((n) => [`node-${n}.example.org`, { link: '1gbit' }])),
    };
    await start({ topology, nodes: smallNodes().map((node) => ({ ...node, attributes: {} })) });
    const answer = await launch('/t18/e', [], 2);
    assert.equal(verdictOf(answer), 'reroute', answer.text);
    const { constraints } = JSON.parse(String(cluster.arrived().at(-1)?.body));
    assert.match(JSON.stringify(constraints), /node-3\\\\\.example\\\\\.org/);
    await settled(cluster, { '/t18/e': 2 });
    assert.equal(cluster.sim.launchFailures().total, 0);
  });
});

describe('trap 32: regions', () => {
  const nodes = smallNodes().map((node, i) => ({
    ...node,
    region: i === 2 ? 'far' : 'home',
    zone: `z${i + 1}`,
  }));
  it('trap 32: a far region counts only for an app that names a region or zone', async () => {
    await start({ nodes, sim: { masterRegion: 'home' } });
    const each = ['hostname', 'UNIQUE'];
    const launch = (id: string, constraints: readonly (readonly string[])[]) =>
      cluster.request('POST', '/v2/apps', webApp(id, { instances: 3, constraints }));
    const near = await launch('/t32/near', [each]);
    assert.equal(near.status, 422, near.text);
    assert.match(near.json.message as string, /2 of 3 fit/);
    const anywhere = await launch('/t32/anywhere', [each, ['@zone', 'LIKE', 'z.']]);
    assert.equal(anywhere.status, 201, anywhere.text);
    await settled(cluster, { '/t32/anywhere': 3 });
    assert.equal((await cluster.request('POST', '/v2/apps', plainApp('/t32/x'))).status, 201);
  });
});
