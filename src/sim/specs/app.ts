import { type JsonObject, isObject, listOf, objectOf, present, textOf, without } from '../json.ts';
import { canonicalId, parentOf } from '../ids.ts';
import { type Network, type NetworkNames, networksOf } from './networks.ts';

/** What reading a body needs to know of the world around it. */
export interface ReadContext extends NetworkNames {
  /** A service port that nothing uses yet. */
  readonly servicePort: () => number;
}

const DEFAULTS: JsonObject = {
  backoffFactor: 1.15,
  backoffSeconds: 1,
  cpus: 1,
  disk: 0,
  executor: '',
  gpus: 0,
  instances: 1,
  killSelection: 'YOUNGEST_FIRST',
  maxLaunchDelaySeconds: 300,
  mem: 128,
  requirePorts: false,
  role: '*',
  unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
};

/** Fields that Marathon accepts and never shows, or sets by itself. */
const NOT_STORED = [
  'ipAddress',
  'ports',
  'uris',
  'version',
  'versionInfo',
  'deployments',
  'tasks',
  'residency',
  'tasksStaged',
  'tasksRunning',
  'tasksHealthy',
  'tasksUnhealthy',
  'lastTaskFailure',
  'container',
  'portDefinitions',
  'fetch',
  'dependencies',
];

const volumesOf = (app: JsonObject): readonly JsonObject[] =>
  listOf(objectOf(app['container'])['volumes']).map(objectOf);
export const isResident = (app: JsonObject): boolean =>
  volumesOf(app).some(({ persistent }) => isObject(persistent));
const hasExternal = (app: JsonObject): boolean =>
  volumesOf(app).some(({ external }) => isObject(external));

const upgradeDefault = (app: JsonObject): JsonObject =>
  isResident(app) || hasExternal(app)
    ? { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 }
    : { minimumHealthCapacity: 1, maximumOverCapacity: 1 };

const portsOf = (app: JsonObject): readonly JsonObject[] => {
  if (Array.isArray(app['portDefinitions'])) return listOf(app['portDefinitions']).map(objectOf);
  if (Array.isArray(app['ports'])) return listOf(app['ports']).map((port) => ({ port }));
  return [{ port: 0, name: 'default' }];
};

/** Port 0 keeps what was assigned before at the same place, else gets a new service port. */
const portDefinitions = (
  app: JsonObject,
  before: JsonObject,
  context: ReadContext,
): JsonObject[] => {
  const earlier = listOf(before['portDefinitions']).map(objectOf);
  return portsOf(app).map((port, index) => {
    const number = port['port'] === undefined || port['port'] === 0 ? undefined : port['port'];
    const kept = earlier[index]?.['port'];
    return { protocol: 'tcp', ...present(port), port: number ?? kept ?? context.servicePort() };
  });
};

const portMappings = (app: JsonObject, before: JsonObject, context: ReadContext): JsonObject[] => {
  const container = objectOf(app['container']);
  const said = container['portMappings'] ?? objectOf(container['docker'])['portMappings'];
  const earlier = listOf(objectOf(before['container'])['portMappings']).map(objectOf);
  const bridge = objectOf(listOf(app['networks'])[0])['mode'] === 'container/bridge';
  const mappings = Array.isArray(said)
    ? listOf(said).map(objectOf)
    : [{ containerPort: 0, name: 'default' }];
  return mappings.map((mapping, index) => {
    const given = present(mapping);
    const service = given['servicePort'] === 0 ? undefined : given['servicePort'];
    return {
      ...(bridge && { hostPort: 0 }),
      labels: {},
      protocol: 'tcp',
      ...given,
      servicePort: service ?? earlier[index]?.['servicePort'] ?? context.servicePort(),
    };
  });
};

const containerOf = (app: JsonObject, before: JsonObject, context: ReadContext): JsonObject => {
  const given = present(objectOf(app['container']));
  const docker = objectOf(given['docker']);
  const kept = without(docker, ['network', 'portMappings']);
  return {
    volumes: [],
    ...given,
    type: typeof given['type'] === 'string' ? given['type'].toUpperCase() : 'DOCKER',
    ...(isObject(given['docker']) && {
      docker: { forcePullImage: false, parameters: [], privileged: false, ...present(kept) },
    }),
    portMappings: portMappings(app, before, context),
  };
};

const shaped = (
  app: JsonObject,
  networks: readonly Network[],
  before: JsonObject,
  context: ReadContext,
): JsonObject => {
  const host = networks[0]?.mode === 'host';
  const asked = isObject(app['container']) || isObject(app['ipAddress']);
  const source = isObject(app['container']) ? app : { ...app, container: { type: 'MESOS' } };
  const container = containerOf({ ...source, networks }, before, context);
  if (!host) return { container };
  const ports = portDefinitions(app, before, context);
  return asked
    ? { container: without(container, ['portMappings']), portDefinitions: ports }
    : { portDefinitions: ports };
};

/**
 * The canonical definition that Marathon stores and shows for a full app body.
 *
 * @param before  definition that this one replaces, so that assigned ports stay; {} when new
 */
export const canonicalApp = (
  body: JsonObject,
  id: string,
  before: JsonObject,
  context: ReadContext,
): JsonObject => {
  const app = present(body);
  const networks = networksOf(app, context);
  const kept = without(app, NOT_STORED);
  const fetch =
    app['fetch'] ??
    listOf(app['uris']).map((uri) => ({ uri, extract: true, executable: false, cache: false }));
  const dependencies = listOf(app['dependencies']).map((one) =>
    canonicalId(String(one), parentOf(id)),
  );
  return {
    ...DEFAULTS,
    upgradeStrategy: upgradeDefault(app),
    ...kept,
    id,
    networks,
    ...(listOf(fetch).length > 0 && { fetch }),
    ...(dependencies.length > 0 && { dependencies }),
    ...shaped(app, networks, before, context),
  };
};

const replacesContainer = (update: JsonObject): boolean => {
  if (isObject(update['container'])) return false;
  if (isObject(update['ipAddress'])) return true;
  const networks = listOf(update['networks']).map(objectOf);
  return networks.some(({ mode }) => textOf(mode).toLowerCase() !== 'host');
};

/**
 * The full body that a partial update stands for: each key given and not null replaces the old
 * value whole. Absent `executorResources` and `resourceLimits` are erased, and networks without a
 * container replace the container by an empty MESOS one, as Marathon does.
 */
export const mergedApp = (before: JsonObject, update: JsonObject): JsonObject => {
  const given = present(update);
  const kept = without(before, ['executorResources', 'resourceLimits']);
  const docker = objectOf(objectOf(given['container'])['docker']);
  const rewritesNetworks = isObject(given['ipAddress']) || typeof docker['network'] === 'string';
  const moved = rewritesNetworks ? without(kept, ['networks']) : kept;
  const merged = { ...moved, ...given };
  return replacesContainer(given) ? { ...merged, container: { type: 'MESOS' } } : merged;
};
