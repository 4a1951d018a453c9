import {
  atLeast,
  fields,
  flag,
  list,
  map,
  oneOf,
  real,
  text,
  textOrSecret,
  whole,
} from './shape.ts';

const texts = list(text);
const labels = map(text);
const count = atLeast(0, whole);
const amount = atLeast(0, real);

const portMapping = fields({
  containerPort: count,
  hostPort: count,
  servicePort: count,
  protocol: text,
  name: text,
  labels,
  networkNames: texts,
});
const volume = fields({
  containerPath: text,
  hostPath: text,
  mode: oneOf('RW', 'RO'),
  persistent: fields({ size: real, type: text }),
  external: fields({ name: text, provider: text, options: map(text) }),
});
const container = fields({
  type: oneOf('MESOS', 'DOCKER'),
  docker: fields(
    {
      image: text,
      network: oneOf('BRIDGE', 'HOST', 'NONE', 'USER'),
      parameters: list(fields({ key: text, value: text }, ['key', 'value'])),
      privileged: flag,
      forcePullImage: flag,
      portMappings: list(portMapping),
    },
    [],
  ),
  volumes: list(volume),
  portMappings: list(portMapping),
});

const network = fields({
  name: text,
  mode: oneOf('container', 'container/bridge', 'host'),
  labels,
});

/** The types of an app's fields. A partial update uses the same rules without `id` being required. */
export const APP_FIELDS = {
  id: text,
  cmd: text,
  args: texts,
  instances: count,
  cpus: amount,
  mem: amount,
  disk: amount,
  gpus: count,
  env: map(textOrSecret),
  labels,
  constraints: list(texts),
  container,
  networks: list(network),
  ipAddress: fields({ networkName: text, labels, groups: texts }),
  portDefinitions: list(fields({ port: count, protocol: text, name: text, labels })),
  ports: list(count),
  requirePorts: flag,
  backoffSeconds: atLeast(0, real),
  backoffFactor: atLeast(1, real),
  maxLaunchDelaySeconds: count,
  upgradeStrategy: fields({ minimumHealthCapacity: amount, maximumOverCapacity: amount }, [
    'minimumHealthCapacity',
    'maximumOverCapacity',
  ]),
  dependencies: texts,
  acceptedResourceRoles: texts,
  healthChecks: list(fields({ protocol: text, path: text })),
  readinessChecks: list(fields({ name: text })),
  secrets: map(fields({ source: text }, ['source'])),
  killSelection: oneOf('YOUNGEST_FIRST', 'OLDEST_FIRST'),
  taskKillGracePeriodSeconds: count,
  user: text,
  executor: text,
  role: text,
  tty: flag,
  version: text,
  resourceLimits: fields({}),
  executorResources: fields({ cpus: real, mem: real, disk: real }),
};

export const appShape = fields(APP_FIELDS, ['id']);
export const appUpdateShape = fields(APP_FIELDS);
