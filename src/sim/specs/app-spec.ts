import { type JsonObject, isObject, listOf, numberOf, objectOf, textOf, textsOf } from '../json.ts';
import { isResident } from './app.ts';
import { appConstraints } from './constraint-rules.ts';
import { type Network, addressNetworks } from './networks.ts';
import type { HostPorts, Resources, Spec, UnreachableRule, UpgradeRule } from './spec.ts';

export interface Versions {
  readonly version: string;
  readonly lastScaling: string;
  readonly lastConfigChange: string;
}

const hostPorts = (app: JsonObject): HostPorts => {
  const host = objectOf(listOf(app['networks'])[0])['mode'] === 'host';
  const wanted = host
    ? listOf(app['portDefinitions']).map((port) =>
        app['requirePorts'] === true ? numberOf(objectOf(port)['port'], 0) : 0,
      )
    : listOf(objectOf(app['container'])['portMappings'])
        .map((mapping) => objectOf(mapping)['hostPort'])
        .filter((port): port is number => typeof port === 'number');
  return {
    any: wanted.filter((port) => port === 0).length,
    fixed: wanted.filter((port) => port > 0),
  };
};

/** Docker's `--net` given as a parameter replaces the network that the mode chose. */
const dockerOverride = (app: JsonObject): string | undefined => {
  const docker = objectOf(objectOf(app['container'])['docker']);
  const first = listOf(docker['parameters'])
    .map(objectOf)
    .find(({ key }) => key === 'net' || key === 'network');
  return first ? textOf(first['value']) : undefined;
};

const NO_ADDRESS = new Set(['host', 'bridge', 'none', 'default']);

const addressing = (app: JsonObject): Pick<Spec, 'networks' | 'networkLabels'> => {
  const docker = objectOf(app['container'])['type'] === 'DOCKER';
  const override = docker ? dockerOverride(app) : undefined;
  if (override !== undefined)
    return { networks: NO_ADDRESS.has(override) ? [] : [override], networkLabels: {} };
  const networks = addressNetworks(listOf(app['networks']) as readonly Network[]);
  // Marathon hands only the name of a Docker network on, so its labels reach nobody.
  const labels = docker ? [] : networks.map(({ name, labels }) => [name, textsOf(labels)] as const);
  return { networks: networks.map(({ name }) => name), networkLabels: Object.fromEntries(labels) };
};

export const unreachableRule = (value: unknown): UnreachableRule => {
  if (value === 'disabled') return 'disabled';
  const { inactiveAfterSeconds, expungeAfterSeconds } = objectOf(value);
  return {
    inactiveAfter: numberOf(inactiveAfterSeconds, 0),
    expungeAfter: numberOf(expungeAfterSeconds, 0),
  };
};

export const upgradeRule = (value: unknown): UpgradeRule => {
  const { minimumHealthCapacity, maximumOverCapacity } = objectOf(value);
  return {
    minHealth: numberOf(minimumHealthCapacity, 1),
    maxOver: numberOf(maximumOverCapacity, 1),
  };
};

const resourcesOf = (app: JsonObject): Resources => ({
  cpus: numberOf(app['cpus'], 1),
  mem: numberOf(app['mem'], 128),
  disk: numberOf(app['disk'], 0),
  gpus: numberOf(app['gpus'], 0),
});

const backoffOf = (app: JsonObject): Spec['backoff'] => ({
  seconds: numberOf(app['backoffSeconds'], 1),
  factor: numberOf(app['backoffFactor'], 1.15),
  maxSeconds: numberOf(app['maxLaunchDelaySeconds'], 300),
});

/** The scheduler's view of a canonical app at one version. */
export const specOfApp = (app: JsonObject, versions: Versions): Spec => ({
  kind: 'app',
  id: textOf(app['id']),
  ...versions,
  instances: numberOf(app['instances'], 1),
  resources: resourcesOf(app),
  ports: hostPorts(app),
  ...addressing(app),
  env: textsOf(app['env']),
  constraints: appConstraints(app),
  backoff: backoffOf(app),
  upgrade: upgradeRule(app['upgradeStrategy']),
  unreachable: isResident(app) ? 'disabled' : unreachableRule(app['unreachableStrategy']),
  killSelection: app['killSelection'] === 'OLDEST_FIRST' ? 'OLDEST_FIRST' : 'YOUNGEST_FIRST',
  containerizer: objectOf(app['container'])['type'] === 'DOCKER' ? 'DOCKER' : 'MESOS',
  image: textOf(objectOf(objectOf(app['container'])['docker'])['image']),
  role: textOf(app['role']) || '*',
  resident: isResident(app),
  hasHealthChecks: listOf(app['healthChecks']).some(isObject),
  dependencies: listOf(app['dependencies']).map(String),
  containers: [''],
  definition: app,
});
