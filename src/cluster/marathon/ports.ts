import type { PortDemand } from '../../core/demand.ts';
import { figureAt } from './figures.ts';
import { arrayAt, member, objectAt, objectsAt, type JsonObject } from './json.ts';
import type { NetworkMode } from './networks.ts';

const MOST_PORT = 65_535;
const NONE: PortDemand = { any: 0, fixed: [] };

const portAt = (of: JsonObject, key: string, path: string): number =>
  figureAt(of, key, path, { otherwise: 0, most: MOST_PORT, whole: true });

/** 0 stands for any port. */
const demandOf = (ports: readonly number[]): PortDemand => ({
  any: ports.filter((port) => port === 0).length,
  fixed: [...new Set(ports.filter((port) => port !== 0))],
});

/**
 * Host ports of one instance. In host mode those of portDefinitions, one by default, and binding
 * only with requirePorts; otherwise those of port mappings that name a host port.
 *
 * @throws BadBody for a port that is none
 * @see Marathon: api/v2/AppNormalization.scala
 */
export function portsOf(app: JsonObject, mode: NetworkMode): PortDemand {
  return mode === 'host' ? definedPorts(app) : mappedPorts(app, mode);
}

function definedPorts(app: JsonObject): PortDemand {
  if (arrayAt(app, 'portDefinitions') === undefined) return { any: 1, fixed: [] };
  const ports = objectsAt(app, 'portDefinitions').map((definition, index) =>
    portAt(definition, 'port', `/portDefinitions(${index})`),
  );
  return demandOf(member(app, 'requirePorts') === true ? ports : ports.map(() => 0));
}

function mappedPorts(app: JsonObject, mode: NetworkMode): PortDemand {
  const container = objectAt(app, 'container') ?? {};
  const isBridge = mode === 'container/bridge';
  if (arrayAt(container, 'portMappings') === undefined)
    return isBridge ? { any: 1, fixed: [] } : NONE;
  const ports = objectsAt(container, 'portMappings').flatMap((mapping, index) =>
    isBridge || member(mapping, 'hostPort') !== undefined
      ? [portAt(mapping, 'hostPort', `/container/portMappings(${index})`)]
      : [],
  );
  return demandOf(ports);
}

/**
 * Host ports of one pod instance: the endpoints, in all its containers, that name one. Without a
 * network of their own every endpoint takes one.
 */
export function podPortsOf(pod: JsonObject, mode: NetworkMode): PortDemand {
  const ports = objectsAt(pod, 'containers').flatMap((container, at) =>
    objectsAt(container, 'endpoints').flatMap((endpoint, index) =>
      mode === 'container' && member(endpoint, 'hostPort') === undefined
        ? []
        : [portAt(endpoint, 'hostPort', `/containers(${at})/endpoints(${index})`)],
    ),
  );
  return demandOf(ports);
}
