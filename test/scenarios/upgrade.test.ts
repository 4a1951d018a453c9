import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action, Step } from './random/actions.ts';
import type { RandomCluster } from './random/cluster.ts';
import { FULL } from './random/modes.ts';
import { play } from './random/play.ts';
import type { Scenario } from './random/script.ts';

const NODES = [1, 2, 3, 4].map((n) => `node-${n}.example.org`);
const pool = (third: number, last: number) => ({
  cidr: `10.0.${third}.0/24`,
  ranges: [`10.0.${third}.10-10.0.${third}.${last}`],
  gateway: `10.0.${third}.1`,
});

/** Eight addresses of one network, and many of another, so that no node ever has none. */
const CLUSTER: RandomCluster = {
  ...{ racks: [], networks: ['prod', 'dev'], rates: [1], coolDownMs: 0 },
  nodes: NODES.map((name) => ({ name, cpus: 8, mem: 16_384, disk: 102_400, attributes: {} })),
  topology: {
    pools: { prod: pool(0, 17), dev: pool(1, 60) },
    networks: {
      prod: { pools: ['prod'], default: '1mbit' },
      dev: { pools: ['dev'], default: '1mbit' },
    },
    nodes: Object.fromEntries(NODES.map((name) => [name, { link: '1gbit' }])),
  },
};

const put = (id: string, body: Readonly<Record<string, unknown>>): Action => ({
  ...{ do: 'ask', method: 'PUT', path: `/v2/apps${id}` },
  body: { id, cmd: 'sleep 1000', cpus: 0.1, mem: 64, ...body },
});
const on = (name: string) => ({ networks: [{ mode: 'container', name }] });
const at = (s: number, action: Action): Step => ({ atMs: s * 1_000, action });
const outsiders = (count: number, s: number, forS: number): Step[] =>
  Array.from({ length: count }, (_, n) =>
    at(s, { do: 'outside', node: NODES[n % 4]!, network: 'prod', forMs: forS * 1_000 }),
  );

/**
 * Four instances are replaced, for which four addresses are promised; others take these by hand before the
 * instances start, and keep them for five minutes. The brake must not cut a replacement in half. Each time
 * that a node is opened for somebody else, the upgrade may try it once more.
 */
const SCENARIO: Scenario = {
  ...{ seed: 7, cluster: CLUSTER, calm: false },
  steps: [
    at(0, put('/web', { instances: 4, ...on('prod') })),
    at(20, put('/web', { instances: 4, ...on('prod'), env: { VERSION: '2' } })),
    ...outsiders(4, 20.2, 300),
    at(60, put('/other', { instances: 3, ...on('dev') })),
    at(60, put('/plain', { instances: 2, networks: [{ mode: 'host' }] })),
  ],
};

describe('an upgrade whose room others take', () => {
  it('is a loop with the gate alone', async () => {
    const { figures } = await play(SCENARIO, 'gate');
    assert.ok(figures.longest > 5, `${figures.longest} failed`);
  });

  it('waits with the fence, ends once there is room, and keeps nobody else waiting', async (t) => {
    const { figures, breaches, trace } = await play(SCENARIO, FULL);
    t.diagnostic(`${figures.failed} launches failed, ${figures.longestWaitMs} ms waited at most`);
    assert.deepEqual(breaches, [], trace.filter((line) => line.includes('  ')).join('\n'));
    assert.ok(figures.longest >= 1 && figures.longest <= 5, `${figures.longest} failed`);
    assert.equal(figures.missing, 0);
    const startOf = (app: string): number =>
      Math.min(...trace.filter((line) => line.includes(`${app} is launched`)).map(parseFloat));
    for (const app of ['/other', '/plain'])
      assert.ok(startOf(app) < 150_000, `${app} began at ${startOf(app)} ms`);
  });
});
