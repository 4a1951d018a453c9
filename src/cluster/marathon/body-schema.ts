import Joi from 'joi';

/**
 * The fields that a verdict rests on, as Marathon's RAML types them; everything else passes
 * untouched. `null` stands for absent wherever a field is optional, as Marathon reads it.
 */
const INT32 = 2_147_483_647;

const whole = Joi.number().unsafe().integer().min(0).max(INT32).allow(null);
const amount = Joi.number().unsafe().min(0).allow(null);
const share = Joi.number().min(0).max(1);
const text = Joi.string().allow('', null);
/** Versions end up in a path, so nothing but a timestamp will do. */
const version = Joi.string()
  .pattern(/^\d{4}-\d\d-\d\dT[0-9:.]{5,20}(?:Z|[+-]\d\d:?\d\d)$/, 'a timestamp')
  .allow(null);
const flag = Joi.boolean().allow(null);
const open = Joi.object().unknown(true);
const list = (item: Joi.Schema): Joi.ArraySchema => Joi.array().items(item).allow(null);
const mapOf = (value: Joi.Schema): Joi.ObjectSchema =>
  Joi.object().pattern(Joi.string().allow(''), value).allow(null);

/** One of the words in any case, as Marathon reads its enumerations. */
const word = (...words: readonly string[]): Joi.StringSchema =>
  Joi.string()
    .insensitive()
    .valid(...words)
    .allow(null);

const secret = open.keys({ secret: Joi.string().required() });
const variables = mapOf(Joi.alternatives(Joi.string().allow(''), secret));
const labels = mapOf(Joi.string().allow(''));

const network = open.keys({
  name: Joi.string().allow(null),
  mode: word('container', 'container/bridge', 'host'),
  labels,
});

const portMapping = open.keys({
  containerPort: whole,
  hostPort: whole,
  servicePort: whole,
  networkNames: list(Joi.string()),
});

const docker = open.keys({
  image: Joi.string().allow(null),
  network: word('BRIDGE', 'HOST', 'NONE', 'USER'),
  parameters: list(open.keys({ key: Joi.string().required(), value: Joi.string().allow('') })),
  portMappings: list(portMapping),
});

const container = open.keys({
  type: word('MESOS', 'DOCKER'),
  docker: docker.allow(null),
  volumes: list(open),
  portMappings: list(portMapping),
});

const ipAddress = open.keys({
  networkName: Joi.string().allow(null),
  labels,
  discovery: open.keys({ ports: list(open.keys({ number: whole })) }).allow(null),
});

const upgradeStrategy = open.keys({
  minimumHealthCapacity: share.required(),
  maximumOverCapacity: share.required(),
});

/** Every field optional: an update, or a full definition but for its id. */
export const appSchema = open.keys({
  id: Joi.string().allow(null),
  instances: whole,
  cpus: amount,
  mem: amount,
  disk: amount,
  gpus: whole,
  cmd: text,
  args: list(Joi.string().allow('')),
  env: variables,
  labels,
  constraints: list(Joi.array().items(Joi.string().allow('')).min(2).max(3)),
  networks: list(network),
  ipAddress: ipAddress.allow(null),
  container: container.allow(null),
  ports: list(Joi.number().integer().min(0).max(65_535)),
  portDefinitions: list(open.keys({ port: whole })),
  requirePorts: flag,
  upgradeStrategy: upgradeStrategy.allow(null),
  dependencies: list(Joi.string()),
  fetch: list(open),
  uris: list(Joi.string()),
  healthChecks: list(open),
  check: open.allow(null),
  readinessChecks: list(open),
  acceptedResourceRoles: list(Joi.string()),
  secrets: mapOf(open),
  role: Joi.string().allow(null),
  version,
  backoffSeconds: whole,
  backoffFactor: amount,
  maxLaunchDelaySeconds: whole,
  taskKillGracePeriodSeconds: whole,
  killSelection: word('YOUNGEST_FIRST', 'OLDEST_FIRST'),
  executorResources: open.allow(null),
  resourceLimits: open.allow(null),
});

const podContainer = open.keys({
  name: Joi.string().required(),
  resources: open.keys({ cpus: amount, mem: amount, disk: amount, gpus: whole }).required(),
  environment: variables,
  labels,
  endpoints: list(open.keys({ hostPort: whole, containerPort: whole })),
});

const placement = open.keys({
  constraints: list(
    open.keys({
      fieldName: Joi.string().required(),
      operator: Joi.string().required(),
      value: text,
    }),
  ),
  acceptedResourceRoles: list(Joi.string()),
});

const scheduling = open.keys({
  placement: placement.allow(null),
  upgrade: open
    .keys({
      minimumHealthCapacity: share.allow(null),
      maximumOverCapacity: share.allow(null),
    })
    .allow(null),
  backoff: open.allow(null),
});

// Marathon silently takes wrongly typed instances for 1; such a surprise is refused instead.
const scaling = open.keys({ kind: Joi.string().valid('fixed').required(), instances: whole });

export const podSchema = open.keys({
  id: Joi.string().pattern(/^\//, 'an absolute path').required(),
  containers: Joi.array().items(podContainer).min(1).required(),
  networks: list(network),
  environment: variables,
  labels,
  volumes: list(open),
  secrets: mapOf(open),
  scaling: scaling.allow(null),
  scheduling: scheduling.allow(null),
  executorResources: open.allow(null),
  role: Joi.string().allow(null),
});

/** One level of a group; its apps and groups are checked on their own. */
export const groupSchema = open.keys({
  id: Joi.string().allow(null),
  apps: list(open),
  groups: list(open),
  dependencies: list(Joi.string()),
  scaleBy: Joi.number().unsafe().min(0).allow(null),
  version,
  enforceRole: flag,
});

export const idsSchema = open.keys({ ids: Joi.array().items(Joi.string()).required() });
