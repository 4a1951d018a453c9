import type { BodyFault } from '../errors.ts';
import { type JsonObject, isObject, listOf, objectOf, present, textOf } from '../json.ts';

/** Names that this Marathon was started with. */
export interface NetworkNames {
  /** `--default_network_name`; absent means that an unnamed container network is refused. */
  readonly defaultNetwork?: string | undefined;
  /** `--mesos_bridge_name`. */
  readonly bridge: string;
}

export interface Network {
  readonly mode: 'container' | 'container/bridge' | 'host';
  readonly name?: string;
  readonly labels?: JsonObject;
}

const LEGACY: Readonly<Record<string, Network['mode']>> = {
  USER: 'container',
  BRIDGE: 'container/bridge',
  HOST: 'host',
};

/** Networks of the old spelling (`ipAddress`, `docker.network`), or undefined when it is not used. */
const legacyNetworks = (app: JsonObject, names: NetworkNames): Network[] | undefined => {
  const docker = objectOf(objectOf(app['container'])['docker']);
  const mode = LEGACY[textOf(docker['network']).toUpperCase()];
  const address = app['ipAddress'];
  if (!isObject(address)) return mode ? [{ mode }] : undefined;
  if (mode !== undefined && mode !== 'container') return [{ mode }];
  const name = textOf(address['networkName']);
  if (name === names.bridge) return [{ mode: 'container/bridge' }];
  const labels = objectOf(address['labels']);
  return [
    { mode: 'container', ...(name && { name }), ...(Object.keys(labels).length > 0 && { labels }) },
  ];
};

const readNetwork = (raw: unknown): Network => {
  const { name, mode, labels } = present(objectOf(raw));
  return {
    mode: (textOf(mode).toLowerCase() || 'container') as Network['mode'],
    ...(typeof name === 'string' && { name }),
    ...(isObject(labels) && Object.keys(labels).length > 0 && { labels }),
  };
};

/** The networks of an app or pod in today's spelling; none means host mode. */
export const networksOf = (spec: JsonObject, names: NetworkNames): readonly Network[] => {
  const said = legacyNetworks(spec, names) ?? listOf(spec['networks']).map(readNetwork);
  const named = said.map((network) =>
    network.mode === 'container' && network.name === undefined && names.defaultNetwork
      ? { ...network, name: names.defaultNetwork }
      : network,
  );
  return named.length === 0 ? [{ mode: 'host' }] : named;
};

const NAME = /^[a-z0-9](?:[-a-z0-9_]{0,61}[a-z0-9])?$/;

/** What NetworkValidation would say. */
export const faultsOfNetworks = (networks: readonly Network[], docker: boolean): BodyFault[] => {
  const faults: BodyFault[] = [];
  const say = (path: string, error: string): void => void faults.push({ path, errors: [error] });
  const container = networks.filter(({ mode }) => mode === 'container');
  const names = container.map(({ name }) => name);
  const single = networks.length === 1 || container.length === networks.length;
  if (!single)
    say(
      '/networks',
      'may only specify a single host network, single container/bridge network, or one or more container networks',
    );
  if (new Set(names).size < names.length) say('/networks', 'Duplicate network name');
  if (docker && container.length > 1)
    say('/networks', 'Docker containerizer supports only one network');
  networks.forEach((network, index) => {
    const path = `/networks(${index})`;
    if (network.mode === 'container' && network.name === undefined)
      say(`${path}/name`, 'must be specified, there is no default network name');
    if (network.mode === 'container' && network.name !== undefined && !NAME.test(network.name))
      say(`${path}/name`, `must fully match regular expression '${NAME.source}'`);
    if (network.mode !== 'container' && network.name !== undefined)
      say(`${path}/name`, 'must be empty');
    if (network.mode === 'host' && network.labels) say(`${path}/labels`, 'must be empty');
  });
  return faults;
};

/** Networks that give each instance an address, with the labels that reach the plugin. */
export const addressNetworks = (
  networks: readonly Network[],
): readonly { name: string; labels: JsonObject }[] =>
  networks
    .filter(({ mode }) => mode === 'container')
    .map(({ name, labels }) => ({ name: name ?? '', labels: labels ?? {} }));
