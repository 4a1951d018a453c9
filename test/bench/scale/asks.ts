import type { JsonObject } from '../../../src/cluster/marathon/json.ts';

type Constraints = readonly (readonly string[])[];

const app = (constraints: Constraints = [], more: JsonObject = {}): JsonObject => ({
  id: '/bench/web',
  cmd: 'sleep 3600',
  instances: 20,
  cpus: 0.5,
  mem: 512,
  networks: [{ mode: 'container', name: 'prod' }],
  container: { type: 'MESOS' },
  env: { net_in: '50mbit', net_out: '50mbit' },
  constraints,
  ...more,
});

const both = [
  { mode: 'container', name: 'prod' },
  { mode: 'container', name: 'storage' },
];

/** Apps as people launch them, by what is special about them. */
export const asks: Readonly<Record<string, JsonObject>> = {
  'simple app, 20 instances': app(),
  'LIKE an attribute': app([['disk', 'LIKE', 'ssd']]),
  'UNIQUE hostname': app([['hostname', 'UNIQUE']]),
  'MAX_PER rack': app([['rack', 'MAX_PER', '2']]),
  'GROUP_BY zone': app([['@zone', 'GROUP_BY', '5']]),
  'two networks': app([], { networks: both }),
  'refused: no such rack': app([['rack', 'LIKE', 'none']]),
  'refused: too many': app([], { instances: 200_000 }),
};
