import { notValid, type BodyFault } from '../errors.ts';
import { faultOfId } from '../ids.ts';
import { type JsonObject, isObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { isResident } from './app.ts';
import { appConstraints, faultsOfConstraints } from './constraint-rules.ts';
import { type Network, faultsOfNetworks } from './networks.ts';

const one = (path: string, error: string): BodyFault => ({ path, errors: [error] });

const runs = (app: JsonObject): BodyFault[] => {
  const { cmd, args, container } = app;
  const image = textOf(objectOf(objectOf(container)['docker'])['image']);
  if (typeof cmd === 'string' && cmd.length === 1)
    return [one('/cmd', 'must have a length of at least 2')];
  if (typeof cmd === 'string' && Array.isArray(args))
    return [one('/', "AppDefinition must not contain both 'cmd' and 'args'")];
  if (typeof cmd === 'string' || Array.isArray(args) || image !== '') return [];
  return [
    one('/', "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'."),
  ];
};

const container = (app: JsonObject): BodyFault[] => {
  const { type, docker } = objectOf(app['container']);
  if (!isObject(docker)) return type === 'DOCKER' ? [one('/container/docker', 'not defined')] : [];
  const faults =
    textOf(docker['image']) === '' ? [one('/container/docker/image', 'must not be empty')] : [];
  return type === 'MESOS' && listOf(docker['parameters']).length > 0
    ? [...faults, one('/container/docker/parameters', 'must be empty')]
    : faults;
};

const mappings = (app: JsonObject): BodyFault[] => {
  const known = new Set(listOf(app['networks']).map((network) => objectOf(network)['name']));
  return listOf(objectOf(app['container'])['portMappings']).flatMap((raw, index) => {
    const { networkNames, hostPort } = objectOf(raw);
    const path = `/container/portMappings(${index})`;
    const names = listOf(networkNames);
    const strange = names
      .filter((name) => !known.has(name))
      .map((name) =>
        one(`${path}/networkNames`, `network name ${String(name)} must exist in networks`),
      );
    const unclear = hostPort !== undefined && known.size > 1 && names.length !== 1;
    return unclear ? [...strange, one(path, 'hostPort needs exactly one network name')] : strange;
  });
};

const upgrade = (app: JsonObject): BodyFault[] => {
  const strategy = objectOf(app['upgradeStrategy']);
  const health = numberOf(strategy['minimumHealthCapacity'], 1);
  const over = numberOf(strategy['maximumOverCapacity'], 1);
  const between = (path: string, value: number): BodyFault[] =>
    value > 1
      ? [one(`/upgradeStrategy/${path}`, `got ${value}, expected between 0.0 and 1.0`)]
      : [];
  const faults = [
    ...between('minimumHealthCapacity', health),
    ...between('maximumOverCapacity', over),
  ];
  if (isResident(app) && over !== 0)
    faults.push(one('/upgradeStrategy/maximumOverCapacity', 'must be 0 for resident tasks'));
  if (objectOf(app['labels'])['MARATHON_SINGLE_INSTANCE_APP'] !== 'true') return faults;
  if (numberOf(app['instances'], 1) > 1)
    faults.push(one('/instances', 'Single instance app may only have one instance'));
  if (health !== 0 || over !== 0)
    faults.push(
      one(
        '/upgradeStrategy',
        'Single instance app needs minimumHealthCapacity and maximumOverCapacity of 0',
      ),
    );
  return faults;
};

const secrets = (app: JsonObject): BodyFault[] => {
  const known = objectOf(app['secrets']);
  return Object.entries(objectOf(app['env'])).flatMap(([name, value]) => {
    const secret = isObject(value) ? textOf(value['secret']) : undefined;
    return secret === undefined || known[secret] !== undefined
      ? []
      : [one(`/env/${name}`, `secret ${secret} is not defined`)];
  });
};

/**
 * What Marathon's validators would say about a canonical app.
 *
 * @throws ApiRefusal 422 "Object is not valid" with every fault
 */
export const checkApp = (app: JsonObject): void => {
  const wrongId = faultOfId(textOf(app['id']));
  const docker = objectOf(app['container'])['type'] === 'DOCKER';
  const faults = [
    ...(wrongId ? [one('/id', wrongId)] : []),
    ...runs(app),
    ...container(app),
    ...mappings(app),
    ...faultsOfNetworks(listOf(app['networks']) as readonly Network[], docker),
    ...faultsOfConstraints(appConstraints(app)),
    ...upgrade(app),
    ...secrets(app),
  ];
  if (faults.length > 0) throw notValid(faults);
};
