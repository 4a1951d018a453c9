import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action, Step } from './random/actions.ts';
import type { RandomCluster } from './random/cluster.ts';
import { FULL } from './random/modes.ts';
import { play } from './random/play.ts';

const pool = (third: number, addresses: number) => ({
  cidr: `10.0.${third}.0/24`,
  ranges: [`10.0.${third}.10-10.0.${third}.${9 + addresses}`],
  gateway: `10.0.${third}.1`,
});

/** So many nodes, which a second network keeps in the offers whatever is left of `prod`. */
function clusterOf(count: number): RandomCluster {
  const nodes = Array.from({ length: count }, (_, n) => ({
    ...{ name: `node-${n + 1}.example.org`, address: `198.18.0.${n + 1}` },
    ...{ cpus: 8, mem: 16_384, disk: 102_400, attributes: {} },
  }));
  return {
    ...{ nodes, racks: [], networks: ['prod', 'stage'], rates: [1], coolDownMs: 60_000 },
    topology: {
      pools: { prod: pool(0, 15), stage: pool(1, 12) },
      networks: {
        prod: { pools: ['prod'], default: '1mbit' },
        stage: { pools: ['stage'], default: '1mbit' },
      },
      nodes: Object.fromEntries(nodes.map(({ name }) => [name, { link: '1gbit' }])),
    },
  };
}

const put = (id: string, body: unknown): Action => ({
  ...{ do: 'ask', method: 'PUT', path: `/v2/apps${id}`, body },
});
const app = (id: string, instances: number) => ({
  ...{ id, instances, cmd: 'sleep 1000', cpus: 0.1, mem: 64, env: { net_in: '1mbit' } },
  container: { type: 'DOCKER', docker: { image: 'registry.example.org/app:1' } },
  upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
  networks: [{ mode: 'container', name: 'prod' }],
});

/** Eight instances come back at `atMs`, and `spare` addresses are free beside theirs. */
const stepsOf = (again: Action, spare: number, atMs: number): readonly Step[] => [
  { atMs: 0, action: put('/log', app('/log', 7 - spare)) },
  { atMs: 15_000, action: put('/web', app('/web', 8)) },
  { atMs, action: again },
];

const AGAIN: readonly (readonly [says: string, action: Action])[] = [
  ['killed', { do: 'kill', app: '/web', scale: false, wipe: false }],
  ['replaced', put('/web', { env: { net_in: '1mbit', VERSION: '2' } })],
];

describe('eight instances that come back at once in full pools', { timeout: 300_000 }, () => {
  for (const [says, again] of AGAIN)
    for (const { count, spare } of [
      { count: 6, spare: 0 },
      { count: 6, spare: 1 },
      // more than the fence switches in one pass
      { count: 29, spare: 0 },
    ])
      it(`run again without a failure, whenever they are ${says}: ${count} nodes, ${spare} addresses free`, async () => {
        const cluster = clusterOf(count);
        // Mesos offers once in a second
        for (let ms = 0; ms < 1_000; ms += 250) {
          const steps = stepsOf(again, spare, 40_000 + ms);
          const { breaches, figures } = await play({ seed: 7, cluster, steps, calm: false }, FULL);
          assert.deepEqual(breaches, [], `at ${ms} ms`);
          const { failed, launches, missing } = figures;
          assert.deepEqual([failed, launches, missing], [0, 23 - spare, 0], `at ${ms} ms`);
        }
      });
});
