import Joi from 'joi';
import { BadMesosAnswer } from '../errors.ts';
import type { WireAgent, WireAgentInfo, WireAgents } from './wire.ts';
import { isAgent } from './wire-shapes.ts';

const object = (keys: Joi.PartialSchemaMap): Joi.ObjectSchema => Joi.object(keys).unknown();
const range = object({ begin: Joi.number().required(), end: Joi.number().required() });
const ranges = object({ range: Joi.array().items(range) });
const scalar = object({ value: Joi.number().required() });
const named = object({ name: Joi.string().allow('').required() });

const resource = object({
  name: Joi.string().required(),
  scalar,
  ranges,
  role: Joi.string(),
  reservations: Joi.array().items(object({ role: Joi.string() })),
  revocable: Joi.object(),
  disk: object({ persistence: Joi.object(), source: Joi.object() }),
});

const attribute = object({
  name: Joi.string().required(),
  type: Joi.string().required(),
  text: object({ value: Joi.string().allow('').required() }),
  scalar,
  ranges,
  set: object({ item: Joi.array().items(Joi.string().allow('')) }),
});

const info = object({
  id: object({ value: Joi.string().required() }),
  hostname: Joi.string().required(),
  attributes: Joi.array().items(attribute),
  domain: object({ fault_domain: object({ region: named, zone: named }) }),
});

const schemas = {
  info,
  agent: object({
    agent_info: info.required(),
    active: Joi.boolean().required(),
    deactivated: Joi.boolean(),
    drain_info: object({ state: Joi.string() }),
    registered_time: object({ nanoseconds: Joi.number().unsafe().required() }),
    total_resources: Joi.array().items(resource),
    allocated_resources: Joi.array().items(resource),
  }),
  agents: object({
    type: Joi.valid('GET_AGENTS').required(),
    get_agents: object({
      agents: Joi.array().default([]),
      recovered_agents: Joi.array().default([]),
    }).required(),
  }),
} as const;

function check(schema: Joi.ObjectSchema, raw: unknown): unknown {
  const outcome: Joi.ValidationResult<unknown> = schema.validate(raw, { convert: false });
  if (outcome.error) throw new BadMesosAnswer('GET_AGENTS', outcome.error.message);
  return outcome.value;
}

/**
 * The envelope; each agent is read by itself, so that a strange one hides no other.
 *
 * @throws BadMesosAnswer
 */
export const readAgents = (raw: unknown): WireAgents =>
  (check(schemas.agents, raw) as { get_agents: WireAgents }).get_agents;

/**
 * The schema takes some tenths of a millisecond for an agent; the plain look at its shape, which takes
 * nothing more than the schema takes, spares nearly all of them that.
 *
 * @throws BadMesosAnswer
 */
export const readAgent = (raw: unknown): WireAgent =>
  isAgent(raw) ? raw : (check(schemas.agent, raw) as WireAgent);

/** @throws BadMesosAnswer */
export const readAgentInfo = (raw: unknown): WireAgentInfo =>
  check(schemas.info, raw) as WireAgentInfo;
