import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attributesOf } from '../../src/core/attributes.ts';
import { readTopology } from '../../src/core/topology-read.ts';
import { smallNodes, startTestCluster } from './cluster.ts';
import { webApp } from './specs.ts';
import { settled } from './started.ts';

/** Pools by the nodes' names, as where no attribute tells racks apart. */
const byName = {
  pools: {
    'prod-a': {
      cidr: '198.51.100.0/24',
      ranges: ['198.51.100.10-198.51.100.11'],
      nodes: { names: ['node-1.example.org', 'node-2.example.org'] },
    },
    'prod-b': {
      cidr: '203.0.113.0/24',
      ranges: ['203.0.113.10-203.0.113.21'],
      nodes: { names: ['node-3.example.org', 'node-4.example.org'] },
    },
  },
  networks: { prod: { pools: ['prod-a', 'prod-b'], default: '10mbit' } },
  nodes: Object.fromEntries([1, 2, 3, 4].map((n) => [`node-${n}.example.org`, { link: '1gbit' }])),
};

/** Machines whose Mesos agents were started with what Corral says of them, or with nothing. */
function machines(told: boolean) {
  const { nodes, pools, networks } = readTopology(byName);
  return smallNodes(4).map((machine) => {
    const record = nodes.get(machine.name);
    assert.ok(record);
    const others = new Map<string, string>();
    const { attributes, faults } = attributesOf({
      node: machine.name,
      record,
      pools,
      networks,
      others,
    });
    assert.deepEqual(faults, []);
    return { ...machine, attributes: told ? Object.fromEntries(attributes) : {} };
  });
}

describe('steering by attributes that Corral told Mesos', { timeout: 400_000 }, () => {
  for (const { told, constraint } of [
    { told: true, constraint: ['corral.pool.prod-b', 'LIKE', 'yes'] },
    { told: false, constraint: ['hostname'] },
  ])
    it(`${told ? 'names the pool' : 'without them names the nodes'}`, async () => {
      const cluster = await startTestCluster({
        topology: byName,
        nodes: machines(told),
      });
      try {
        const there = [['hostname', 'LIKE', 'node-[12].*']];
        const full = await cluster.request(
          'POST',
          '/v2/apps',
          webApp('/full', { instances: 2, constraints: there }),
        );
        assert.equal(full.status, 201, full.text);
        await settled(cluster, { '/full': 2 });
        const answer = await cluster.request('POST', '/v2/apps', webApp('/web', { instances: 3 }));
        assert.equal(answer.status, 201, answer.text);
        assert.match(answer.headers.get('corral-verdict') ?? '', /^reroute/);
        const { app } = (await cluster.direct('GET', '/v2/apps/web')).json;
        assert.equal(app.constraints.length, 1);
        assert.deepEqual(app.constraints[0].slice(0, constraint.length), constraint);
        await settled(cluster, { '/web': 3 });
        assert.equal(cluster.sim.launchFailures().total, 0);
      } finally {
        await cluster.stop();
      }
    });
});
