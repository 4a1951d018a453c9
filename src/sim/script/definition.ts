import type { JsonObject } from '../json.ts';
import { present } from '../json.ts';
import { type Line, numberOption } from './words.ts';

/** `/shop/web` for shop/web. */
export const idOf = (name: string): string => `/${name.replace(/^\//, '')}`;

const constraints = (line: Line): string[][] | undefined =>
  line.options['constraint']?.split(';').map((one) => one.split(':'));

const networks = (line: Line): JsonObject[] | undefined =>
  line.options['net']?.split(',').map((name) => ({ mode: 'container', name }));

const RATES = ['net_in', 'net_out'];

const environment = (line: Line): JsonObject | undefined => {
  const rates = Object.entries(line.options).filter(([key]) => RATES.includes(key));
  const free =
    line.options['env']?.split(',').map((one) => one.split(':') as [string, string]) ?? [];
  const all = [...rates, ...free];
  return all.length > 0 ? Object.fromEntries(all) : undefined;
};

const strategy = (line: Line): JsonObject | undefined => {
  const [health, over] = line.options['strategy']?.split('/').map(Number) ?? [];
  return health === undefined
    ? undefined
    : { minimumHealthCapacity: health, maximumOverCapacity: over ?? 0 };
};

/** The parts of an app that a line names; also the body of a partial update. */
export const appPart = (line: Line): JsonObject =>
  present({
    instances: numberOption(line, 'instances'),
    cpus: numberOption(line, 'cpus'),
    mem: numberOption(line, 'mem'),
    disk: numberOption(line, 'disk'),
    cmd: line.options['cmd'],
    env: environment(line),
    networks: networks(line),
    constraints: constraints(line),
    upgradeStrategy: strategy(line),
    backoffSeconds: numberOption(line, 'backoff'),
    container: line.options['image'] === undefined ? undefined : container(line.options['image']),
  });

const container = (image: string): JsonObject => ({ type: 'DOCKER', docker: { image } });

/** A whole app: one cpu tenth, 64 MiB and a Docker image unless the line says otherwise. */
export const wholeApp = (line: Line, name: string): JsonObject => ({
  cpus: 0.1,
  mem: 64,
  instances: 1,
  container: container('registry.example.org/app:1'),
  ...appPart(line),
  id: idOf(name),
});

/** A pod of one container with the same words. */
export const wholePod = (line: Line, name: string): JsonObject => ({
  id: idOf(name),
  containers: [
    {
      name: 'main',
      image: { kind: 'DOCKER', id: line.options['image'] ?? 'registry.example.org/app:1' },
      resources: { cpus: numberOption(line, 'cpus') ?? 0.1, mem: numberOption(line, 'mem') ?? 64 },
    },
  ],
  networks: networks(line) ?? [{ mode: 'host' }],
  ...present({ environment: environment(line) }),
  scaling: { kind: 'fixed', instances: numberOption(line, 'instances') ?? 1 },
});
