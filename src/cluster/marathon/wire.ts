import Joi from 'joi';
import { BadMarathonAnswer } from '../errors.ts';
import type { Json, JsonObject } from './json.ts';

/** What Marathon's answers are checked for: the fields that we rely on, nothing more. */
const open = Joi.object().unknown(true);
const text = Joi.string().allow('', null);

const task = open.keys({
  id: Joi.string().required(),
  appId: Joi.string().required(),
  host: text,
  slaveId: text,
  state: Joi.string().required(),
  ipAddresses: Joi.array().items(open).allow(null),
});
const app = open.keys({
  id: Joi.string().required(),
  instances: Joi.number().integer().required(),
  tasks: Joi.array().items(task),
});
const pod = open.keys({ id: Joi.string().required(), containers: Joi.array().required() });
const podStatus = open.keys({
  id: Joi.string().required(),
  spec: pod.required(),
  instances: Joi.array().items(open.keys({ id: Joi.string().required() })),
});
// Trees can be large; their apps are read field by field, so only the outline is checked.
const group = open.keys({
  id: Joi.string().required(),
  apps: Joi.array(),
  groups: Joi.array(),
  pods: Joi.array(),
});
const deployment = open.keys({
  id: Joi.string().required(),
  version: Joi.string().required(),
  affectedApps: Joi.array().items(Joi.string()),
  affectedPods: Joi.array().items(Joi.string()),
});

const marathonConfig = open.keys({
  default_network_name: text,
  mesos_bridge_name: text,
  local_port_min: Joi.number(),
  local_port_max: Joi.number(),
});

export const shapes = {
  app,
  wrappedApp: open.keys({ app: app.required() }),
  pod,
  podStatuses: Joi.array().items(podStatus),
  podStatus,
  group,
  versions: Joi.array().items(Joi.string()),
  wrappedVersions: open.keys({ versions: Joi.array().items(Joi.string()).required() }),
  deployments: Joi.array().items(deployment),
  tasks: open.keys({ tasks: Joi.array().items(task).required() }),
  queue: open.keys({ queue: Joi.array().items(open).required() }),
  leader: open.keys({ leader: Joi.string().required() }),
  info: open.keys({
    version: Joi.string().required(),
    frameworkId: text,
    leader: text,
    marathon_config: marathonConfig,
  }),
  scaled: open.keys({ deploymentId: Joi.string().required(), version: Joi.string() }),
} as const;

/** A task as Marathon shows it. */
export interface Task extends JsonObject {
  readonly id: string;
  readonly appId: string;
  readonly state: string;
}

/** A running deployment as Marathon shows it. */
export interface Deployment extends JsonObject {
  readonly id: string;
  readonly version: string;
  readonly affectedApps: readonly string[];
  readonly affectedPods: readonly string[];
}

/** Checks an answer, giving it back as it came: unknown fields stay. Throws BadMarathonAnswer. */
export type Shaped<T extends Json> = (answer: Json, what: string) => T;

/** A check whose result has the type that the schema stands for. */
export const shapedBy =
  <T extends Json>(schema: Joi.Schema): Shaped<T> =>
  (answer, what) => {
    const { error } = schema.validate(answer, { convert: false });
    if (error) throw new BadMarathonAnswer(what, error.message);
    return answer as T;
  };
