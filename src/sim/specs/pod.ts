import { notValid, type BodyFault } from '../errors.ts';
import { faultOfId } from '../ids.ts';
import {
  type JsonObject,
  isObject,
  listOf,
  numberOf,
  objectOf,
  present,
  textOf,
  textsOf,
  without,
} from '../json.ts';
import { unreachableRule, upgradeRule, type Versions } from './app-spec.ts';
import { faultsOfConstraints, podConstraints } from './constraint-rules.ts';
import { type NetworkNames, addressNetworks, faultsOfNetworks, networksOf } from './networks.ts';
import { atLeast, fields, list, map, oneOf, real, text, textOrSecret } from './shape.ts';
import type { HostPorts, Resources, Spec } from './spec.ts';

const amount = atLeast(0, real);
const resources = fields({ cpus: amount, mem: amount, disk: amount, gpus: amount });

export const podShape = fields(
  {
    id: text,
    environment: map(textOrSecret),
    labels: map(text),
    containers: list(
      fields(
        {
          name: text,
          resources,
          environment: map(textOrSecret),
          endpoints: list(fields({ name: text }, ['name'])),
        },
        ['name', 'resources'],
      ),
    ),
    networks: list(
      fields({
        name: text,
        mode: oneOf('container', 'container/bridge', 'host'),
        labels: map(text),
      }),
    ),
    // A wrongly typed count is not a fault here: Marathon reads it as 1.
    scaling: fields({ kind: oneOf('fixed') }),
    scheduling: fields({
      backoff: fields({ backoff: amount, backoffFactor: amount, maxLaunchDelay: amount }),
      upgrade: fields({ minimumHealthCapacity: amount, maximumOverCapacity: amount }),
      placement: fields({
        constraints: list(
          fields({ fieldName: text, operator: text, value: text }, ['fieldName', 'operator']),
        ),
      }),
    }),
  },
  ['id', 'containers'],
);

const instancesOf = (pod: JsonObject): number => {
  const asked = objectOf(pod['scaling'])['instances'];
  return typeof asked === 'number' && Number.isInteger(asked) ? asked : 1;
};

/** The definition that Marathon stores and shows for a pod body. */
export const canonicalPod = (body: JsonObject, names: NetworkNames): JsonObject => {
  const pod = present(body);
  const scheduling = objectOf(pod['scheduling']);
  return {
    ...without(pod, ['version']),
    networks: networksOf(pod, names),
    role: textOf(pod['role']) || '*',
    scaling: { kind: 'fixed', ...objectOf(pod['scaling']), instances: instancesOf(pod) },
    scheduling: {
      ...scheduling,
      backoff: {
        backoff: 1,
        backoffFactor: 1.15,
        maxLaunchDelay: 300,
        ...objectOf(scheduling['backoff']),
      },
      upgrade: {
        minimumHealthCapacity: 1,
        maximumOverCapacity: 1,
        ...objectOf(scheduling['upgrade']),
      },
      placement: {
        constraints: [],
        acceptedResourceRoles: [],
        ...objectOf(scheduling['placement']),
      },
    },
  };
};

/** @throws ApiRefusal 422 "Object is not valid" with every fault */
export const checkPod = (pod: JsonObject): void => {
  const id = textOf(pod['id']);
  const wrongId = id.startsWith('/') ? faultOfId(id) : 'Path needs to be absolute';
  const scaling = objectOf(pod['scaling']);
  const faults: BodyFault[] = [
    ...(wrongId ? [{ path: '/id', errors: [wrongId] }] : []),
    ...(listOf(pod['containers']).length === 0
      ? [{ path: '/containers', errors: ['must not be empty'] }]
      : []),
    ...(scaling['kind'] !== 'fixed' ? [{ path: '/scaling/kind', errors: ['must be fixed'] }] : []),
    ...(instancesOf(pod) < 0 ? [{ path: '/scaling/instances', errors: ['error.min'] }] : []),
    ...faultsOfNetworks(networksOf(pod, { bridge: '' }), false),
    ...faultsOfConstraints(podConstraints(pod)),
  ];
  if (faults.length > 0) throw notValid(faults);
};

const sumOf = (pod: JsonObject): Resources => {
  const parts: JsonObject[] = [
    ...listOf(pod['containers']).map((container) => objectOf(objectOf(container)['resources'])),
    { cpus: 0.1, mem: 32, disk: 10, ...objectOf(pod['executorResources']) },
  ];
  const sum = (key: string): number =>
    parts.reduce((total, part) => total + numberOf(part[key], 0), 0);
  return { cpus: sum('cpus'), mem: sum('mem'), disk: sum('disk'), gpus: sum('gpus') };
};

const hostPorts = (pod: JsonObject): HostPorts => {
  const wanted = listOf(pod['containers'])
    .flatMap((container) => listOf(objectOf(container)['endpoints']))
    .map((endpoint) => objectOf(endpoint)['hostPort'])
    .filter((port): port is number => typeof port === 'number');
  return {
    any: wanted.filter((port) => port === 0).length,
    fixed: wanted.filter((port) => port > 0),
  };
};

const backoffOf = (scheduling: JsonObject): Spec['backoff'] => {
  const backoff = objectOf(scheduling['backoff']);
  return {
    seconds: numberOf(backoff['backoff'], 1),
    factor: numberOf(backoff['backoffFactor'], 1.15),
    maxSeconds: numberOf(backoff['maxLaunchDelay'], 300),
  };
};

const addressing = (pod: JsonObject): Pick<Spec, 'networks' | 'networkLabels'> => {
  const networks = addressNetworks(networksOf(pod, { bridge: '' }));
  return {
    networks: networks.map(({ name }) => name),
    networkLabels: Object.fromEntries(networks.map(({ name, labels }) => [name, textsOf(labels)])),
  };
};

/** The scheduler's view of a canonical pod at one version. */
export const specOfPod = (pod: JsonObject, versions: Versions): Spec => {
  const scheduling = objectOf(pod['scheduling']);
  const containers = listOf(pod['containers']).map(objectOf);
  return {
    kind: 'pod',
    id: textOf(pod['id']),
    ...versions,
    instances: instancesOf(pod),
    resources: sumOf(pod),
    ports: hostPorts(pod),
    ...addressing(pod),
    env: textsOf(pod['environment']),
    constraints: podConstraints(pod),
    backoff: backoffOf(scheduling),
    upgrade: upgradeRule(scheduling['upgrade']),
    unreachable: unreachableRule(scheduling['unreachableStrategy']),
    killSelection:
      scheduling['killSelection'] === 'OLDEST_FIRST' ? 'OLDEST_FIRST' : 'YOUNGEST_FIRST',
    containerizer: 'MESOS',
    image: containers.map(({ image }) => textOf(objectOf(image)['id'])).join(' '),
    role: textOf(pod['role']) || '*',
    resident: false,
    hasHealthChecks: containers.some(({ healthCheck }) => isObject(healthCheck)),
    dependencies: [],
    containers: containers.map(({ name }) => textOf(name)),
    definition: pod,
  };
};
