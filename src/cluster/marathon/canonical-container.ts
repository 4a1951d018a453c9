import { BadBody } from '../errors.ts';
import { isBridge, isHost, type Network } from './canonical-network.ts';
import {
  arrayAt,
  type JsonObject,
  member,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
  without,
  withoutNulls,
} from './json.ts';

const PORT = { labels: {}, protocol: 'tcp' } as const;

/** Marathon's port of an app that names none. */
const DEFAULT_MAPPING: JsonObject = { ...PORT, containerPort: 0, servicePort: 0, name: 'default' };
const DEFAULT_DEFINITION: JsonObject = { ...PORT, port: 0, name: 'default' };

const fault = (path: string, error: string): BadBody => new BadBody([{ path, errors: [error] }]);

function mapping(port: JsonObject): JsonObject {
  const filled = { ...PORT, containerPort: 0, servicePort: 0, ...withoutNulls(port) };
  const networks = arrayAt(port, 'networkNames') ?? [];
  return networks.length === 0 ? without(filled, 'networkNames') : filled;
}

const definition = (port: JsonObject): JsonObject => ({ ...PORT, port: 0, ...withoutNulls(port) });

/** `docker.portMappings` of old moves up; both at once are refused. */
function statedMappings(container: JsonObject): readonly JsonObject[] | undefined {
  const docker = objectAt(container, 'docker') ?? {};
  const own = arrayAt(container, 'portMappings');
  const old = arrayAt(docker, 'portMappings');
  if (own !== undefined && old !== undefined && old.length > 0) {
    throw fault('/container', 'cannot specify both portMappings and docker.portMappings');
  }
  if (own !== undefined) return objectsAt(container, 'portMappings');
  return old === undefined ? undefined : objectsAt(docker, 'portMappings');
}

/** The ports of the deprecated `ipAddress.discovery`. */
function discoveredMappings(app: JsonObject): readonly JsonObject[] {
  const discovery = objectAt(objectAt(app, 'ipAddress') ?? {}, 'discovery') ?? {};
  return objectsAt(discovery, 'ports').map((port) => ({
    ...without(port, 'number'),
    containerPort: numberAt(port, 'number') ?? 0,
  }));
}

const typeOf = (container: JsonObject): string =>
  (textAt(container, 'type') ?? 'DOCKER').toUpperCase();

function migratedMappings(
  app: JsonObject,
  container: JsonObject,
): readonly JsonObject[] | undefined {
  const stated = statedMappings(container);
  const discovered = discoveredMappings(app);
  if (discovered.length === 0) return stated;
  if (stated !== undefined && stated.length > 0) {
    throw fault('/container', 'portMappings and ipAddress.discovery.ports must not both be set');
  }
  if (typeOf(container) === 'MESOS') return discovered;
  throw fault('/ipAddress/discovery', 'ports do not apply to a container of type DOCKER');
}

const volume = (item: JsonObject): JsonObject => {
  const mode = textAt(item, 'mode')?.toUpperCase();
  return { ...withoutNulls(item), ...(mode !== undefined && { mode }) };
};

function docker(item: JsonObject): JsonObject {
  const rest = without(withoutNulls(item), 'network', 'portMappings');
  return { forcePullImage: false, privileged: false, parameters: [], ...rest };
}

/** The parts of a container that do not depend on networks. */
function bare(container: JsonObject): JsonObject {
  const image = objectAt(container, 'docker');
  return {
    ...without(withoutNulls(container), 'portMappings'),
    type: typeOf(container),
    volumes: objectsAt(container, 'volumes').map(volume),
    ...(image && { docker: docker(image) }),
  };
}

/** Ports declared the host way on an app that is not: one mapping is added for each too many. */
function padded(app: JsonObject, mappings: readonly JsonObject[]): readonly JsonObject[] {
  const declared = arrayAt(app, 'portDefinitions') ?? arrayAt(app, 'ports') ?? [];
  const missing = Math.max(0, declared.length - mappings.length);
  return [...mappings, ...Array.from({ length: missing }, () => ({}))];
}

const hostPortFor = (networks: readonly Network[]) => (port: JsonObject) =>
  isBridge(networks) && member(port, 'hostPort') === undefined ? { ...port, hostPort: 0 } : port;

/**
 * The container of a full definition with the given canonical networks, ports included; undefined
 * when it runs without. An app that is not on the host's network always has one.
 *
 * @throws BadBody when ports are stated in two ways
 */
export function appContainer(
  app: JsonObject,
  networks: readonly Network[],
): JsonObject | undefined {
  const stated = objectAt(app, 'container') ?? impliedContainer(app, networks);
  if (stated === undefined) return undefined;
  const migrated = migratedMappings(app, stated);
  if (isHost(networks)) return bare(stated);
  const mappings = padded(app, migrated ?? [DEFAULT_MAPPING]);
  return { ...bare(stated), portMappings: mappings.map(mapping).map(hostPortFor(networks)) };
}

/**
 * The container that a partial update puts in place of the old one; undefined when it leaves that
 * alone. Networks other than host without a container mean an empty MESOS one, image lost.
 */
export function updateContainer(
  update: JsonObject,
  networks: readonly Network[] | undefined,
): JsonObject | undefined {
  const stated = objectAt(update, 'container') ?? impliedContainer(update, networks ?? []);
  if (stated === undefined) return undefined;
  const mappings = migratedMappings(update, stated);
  return { ...bare(stated), ...(mappings && { portMappings: mappings.map(mapping) }) };
}

const EMPTY: JsonObject = { type: 'MESOS' };

function impliedContainer(app: JsonObject, networks: readonly Network[]): JsonObject | undefined {
  return objectAt(app, 'ipAddress') !== undefined || !isHost(networks) ? EMPTY : undefined;
}

/** Ports of an app on the host's network; undefined on any other, where mappings take their place. */
export function appPortDefinitions(
  app: JsonObject,
  networks: readonly Network[],
): readonly JsonObject[] | undefined {
  if (!isHost(networks)) return undefined;
  return (statedPortDefinitions(app) ?? [DEFAULT_DEFINITION]).map(definition);
}

/** `portDefinitions`, or what the deprecated `ports` stands for. */
export function statedPortDefinitions(app: JsonObject): readonly JsonObject[] | undefined {
  if (arrayAt(app, 'portDefinitions') !== undefined) return objectsAt(app, 'portDefinitions');
  return arrayAt(app, 'ports')?.map((port) => ({ port }));
}
