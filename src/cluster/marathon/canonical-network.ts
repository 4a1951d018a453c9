import { BadBody } from '../errors.ts';
import type { MarathonContext } from './canonical-context.ts';
import { arrayAt, type JsonObject, objectAt, objectsAt, textAt, without } from './json.ts';

/** One entry of `networks`, in canonical form: `mode` is lower-case and always there. */
export type Network = JsonObject;

const HOST: Network = { mode: 'host', labels: {} };

const fault = (error: string): BadBody => new BadBody([{ path: '/networks', errors: [error] }]);

export const isHost = (networks: readonly Network[]): boolean =>
  networks.every((network) => textAt(network, 'mode') === 'host');

export const isBridge = (networks: readonly Network[]): boolean =>
  networks.some((network) => textAt(network, 'mode') === 'container/bridge');

/** `container.docker.network`, upper-case. */
function dockerNetworkOf(app: JsonObject): string | undefined {
  const docker = objectAt(objectAt(app, 'container') ?? {}, 'docker') ?? {};
  return textAt(docker, 'network')?.toUpperCase();
}

/** The network that the deprecated `ipAddress` asks for, when no docker network says otherwise. */
function fromIpAddress(ipAddress: JsonObject, { bridgeName }: MarathonContext): Network {
  const name = textAt(ipAddress, 'networkName');
  const labels = objectAt(ipAddress, 'labels') ?? {};
  if (name === bridgeName) return { mode: 'container/bridge', labels };
  return { mode: 'container', labels, ...(name !== undefined && { name }) };
}

/** The network that the deprecated `docker.network` asks for. */
function fromDockerNetwork(kind: string, ipAddress: JsonObject | undefined): Network {
  const labels = objectAt(ipAddress ?? {}, 'labels') ?? {};
  const name = textAt(ipAddress ?? {}, 'networkName');
  switch (kind) {
    case 'HOST':
      return HOST;
    case 'BRIDGE':
      return { mode: 'container/bridge', labels };
    case 'USER':
      return { mode: 'container', labels, ...(name !== undefined && { name }) };
    default:
      throw fault(`unsupported docker network type ${kind}`);
  }
}

function named(network: JsonObject, { defaultNetworkName }: MarathonContext): Network {
  const mode = (textAt(network, 'mode') ?? 'container').toLowerCase();
  const labels = objectAt(network, 'labels') ?? {};
  const name = textAt(network, 'name') ?? (mode === 'container' ? defaultNetworkName : undefined);
  if (mode === 'container' && name === undefined) {
    throw fault('container network name is not defined');
  }
  return { ...without(network, 'name'), mode, labels, ...(name !== undefined && { name }) };
}

/**
 * The networks that a definition or update states, in whichever of the forms; undefined when it
 * states none. An update's empty list is kept: it resets to host mode.
 *
 * @throws BadBody for a mixture of old and new forms, docker network NONE, or a container network
 *         that has no name where Marathon has no default
 * @see    Marathon's api/v2/AppNormalization.scala, NetworkTranslation
 */
export function statedNetworks(
  app: JsonObject,
  context: MarathonContext,
): readonly Network[] | undefined {
  const ipAddress = objectAt(app, 'ipAddress');
  const kind = dockerNetworkOf(app);
  const stated = arrayAt(app, 'networks') === undefined ? undefined : objectsAt(app, 'networks');
  if (ipAddress === undefined && kind === undefined) {
    return stated?.map((network) => named(network, context));
  }
  if (stated !== undefined && stated.length > 0) {
    throw fault('cannot mix deprecated and canonical network APIs');
  }
  if (kind !== undefined) return [named(fromDockerNetwork(kind, ipAddress), context)];
  return [named(fromIpAddress(ipAddress ?? {}, context), context)];
}

/** The networks of a full app definition: host mode when it states none. */
export function appNetworks(app: JsonObject, context: MarathonContext): readonly Network[] {
  const stated = statedNetworks(app, context) ?? [];
  return stated.length === 0 ? [HOST] : stated;
}
