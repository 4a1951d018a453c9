import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Registry } from 'prom-client';
import type { SnapshotReader } from '../../src/console/deps.ts';
import { clusterMetrics } from '../../src/console/metrics.ts';
import { nodeShape } from '../../src/console/shapes/nodes.ts';
import { depsWith, serveConsole } from './small-cluster.ts';

const { call } = serveConsole();
const addresses = ({ json }: { json: any }): string[] =>
  json.limits.map(({ address }: { address: string }) => address);

describe('the console shows limits', () => {
  it('in order, with what was asked and what became of edits', async () => {
    const { status, json } = await call('/v1/limits');
    assert.equal(status, 200);
    assert.deepEqual(json.limits, [
      {
        address: '192.0.2.10',
        node: 'n1.example.org',
        network: 'prod',
        netInKbit: 1000,
        netOutKbit: 2000,
        state: 'given',
      },
      {
        address: '192.0.2.11',
        node: 'n1.example.org',
        network: 'prod',
        app: '/shop/web',
        container: 'c0ffee',
        netInKbit: 2_000_000,
        netOutKbit: 2000,
        forced: true,
        state: 'enforced',
        asked: { netInKbit: 1000 },
        edit: '0abc-1',
        editedAt: '1970-01-01T00:00:01.000Z',
      },
    ]);
  });

  for (const { query, shows } of [
    { query: 'forced=true', shows: ['192.0.2.11'] },
    { query: 'forced=false', shows: ['192.0.2.10'] },
    { query: 'app=/shop/web', shows: ['192.0.2.11'] },
    { query: 'node=n2.example.org', shows: [] },
    { query: 'limit=1', shows: ['192.0.2.10'] },
    { query: 'limit=1&after=n1.example.org%20192.0.2.10', shows: ['192.0.2.11'] },
  ])
    it(`with ${query}`, async () => {
      assert.deepEqual(addresses(await call(`/v1/limits?${query}`)), shows);
    });

  it('and refuses a query that it does not know', async () => {
    const { status, json } = await call('/v1/limits?forced=perhaps&colour=red');
    assert.equal(status, 400);
    assert.match(json.error.message, /forced.*colour/);
  });

  it('and who changed them, page by page', async () => {
    const first = await call('/v1/audit?limit=1');
    assert.deepEqual(first.json.audit[0], {
      id: '0abc-1',
      at: '1970-01-01T00:00:01.000Z',
      who: 'alice',
      by: 'cli',
      act: 'set',
      node: 'n1.example.org',
      address: '192.0.2.11',
      before: { netInKbit: 1000, netOutKbit: 2000 },
      after: { netInKbit: 2_000_000, netOutKbit: 2000, forced: true },
      why: 'sale',
    });
    const second = await call(`/v1/audit?limit=1&before=${first.json.next}`);
    assert.deepEqual([second.json.audit[0].id, second.json.next], ['0abd-1', undefined]);
  });

  it('and marks nodes with forced ones', () => {
    const node = depsWith({}).snapshot().node('n1.example.org')!;
    assert.equal(nodeShape(node).held.forcedLimits, undefined);
    const tally = { ...node.tally!, forced: 2 };
    assert.equal(nodeShape({ ...node, tally }).held.forcedLimits, 2);
  });

  it('and counts them among the figures of the cluster', async () => {
    const node = depsWith({}).snapshot().node('n1.example.org')!;
    const registry = new Registry();
    const tally = { ...node.tally!, forced: 2 };
    const { forced: _, ...unforced } = tally;
    const nodes = () => [
      { ...node, tally },
      { ...node, name: 'n2.example.org', tally: unforced },
    ];
    const reader: Pick<SnapshotReader, 'nodes'> = { nodes };
    clusterMetrics(registry, () => reader as SnapshotReader);
    const told = await registry.getSingleMetricAsString('corral_cluster_forced_limits');
    const lines = told.split('\n').filter((line) => !line.startsWith('#'));
    assert.deepEqual(lines, ['corral_cluster_forced_limits{node="n1.example.org"} 2']);
  });
});
