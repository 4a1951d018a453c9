import { objectAt, objectsAt, textAt, type JsonObject } from './json.ts';

const PATH = '/container/docker/parameters';
const NETWORK = new Set(['net', 'network']);
const ENVIRONMENT = new Set(['env', 'e', 'env-file']);
const ADDRESS = new Set(['ip', 'ip6', 'mac-address', 'link-local-ip']);

export interface Parameter {
  readonly key: string;
  readonly value: string;
  readonly path: string;
  /** The key held more than an option's name, so Mesos does not know it for what it is. */
  readonly smuggled?: true;
}

/** What an app's Docker parameters do to its network, unseen by Marathon. */
export interface DockerParameters {
  /** Networks that parameters join. */
  readonly networks: readonly Parameter[];
  /** They stand in place of the network that the mode chose, not beside it. */
  readonly replaces: boolean;
  /** Parameters that fix an address or MAC. */
  readonly fixed: readonly Parameter[];
  /** Parameters that can set a variable called `rateNames.in` or `rateNames.out`. */
  readonly bypasses: readonly Parameter[];
}

/**
 * The first `net` or `network` replaces the network that the mode chose; later ones are handed to
 * Docker as they are, and newer versions join them as well, so all of them count.
 *
 * @see Mesos: src/docker/docker.cpp, where parameters become options of `docker run`
 */
export function dockerParametersOf(
  app: JsonObject,
  rateNames: readonly string[],
): DockerParameters {
  const parameters = listed(app);
  const stated = parameters.filter(({ key }) => NETWORK.has(key));
  const [networks, longFixed] = split(stated);
  return {
    networks,
    replaces: stated.some(({ smuggled }) => smuggled !== true),
    fixed: [...parameters.filter(({ key }) => ADDRESS.has(key)), ...longFixed],
    bypasses: parameters.filter(
      ({ key, value }) => ENVIRONMENT.has(key) && sets(key, value, rateNames),
    ),
  };
}

const listed = (app: JsonObject): readonly Parameter[] =>
  objectsAt(objectAt(objectAt(app, 'container') ?? {}, 'docker') ?? {}, 'parameters').map(
    (parameter, index) =>
      optionOf({
        key: textAt(parameter, 'key') ?? '',
        value: textAt(parameter, 'value') ?? '',
        path: `${PATH}(${index})`,
      }),
  );

/** `docker run` gets `--KEY=VALUE` and reads up to the first `=`, which a key may hold. */
function optionOf({ key, value, path }: Parameter): Parameter {
  const at = key.indexOf('=');
  if (at < 0) return { key, value, path };
  return { key: key.slice(0, at), value: `${key.slice(at + 1)}=${value}`, path, smuggled: true };
}

/** `--env NAME` without a value copies the agent's variable; a file may hold anything. */
const sets = (key: string, value: string, rateNames: readonly string[]): boolean =>
  key === 'env-file' || rateNames.includes(value.split('=', 1)[0] ?? '');

/** Docker also takes `--network name=prod,ip=192.0.2.9`. */
function split(networks: readonly Parameter[]): readonly [Parameter[], Parameter[]] {
  const names: Parameter[] = [];
  const fixed: Parameter[] = [];
  for (const { key, value, path } of networks) {
    if (!value.includes('=')) names.push({ key, value, path });
    for (const option of value.includes('=') ? value.split(',') : []) {
      const [name = '', ...rest] = option.split('=');
      const field = { key: name.trim().toLowerCase(), value: rest.join('=').trim(), path };
      if (field.key === 'name') names.push({ ...field, key });
      else if (ADDRESS.has(field.key)) fixed.push(field);
    }
  }
  return [names, fixed];
}
