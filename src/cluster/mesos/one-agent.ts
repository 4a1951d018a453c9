import Joi from 'joi';
import { BadMesosAnswer } from '../errors.ts';

/** How the leading master knows one agent id. */
export type Standing = 'registered' | 'draining' | 'recovered' | 'unknown';

interface WireSlaves {
  readonly slaves: readonly { readonly id: string; readonly drain_info?: object }[];
  readonly recovered_slaves: readonly { readonly id: string }[];
}

const open = Joi.object().unknown();
const slave = open.keys({ id: Joi.string().required(), drain_info: Joi.object() });
const answerSchema = open.keys({
  slaves: Joi.array().items(slave).required(),
  recovered_slaves: Joi.array().items(slave).default([]),
});

/** What to ask, so that one agent is told of and not ten thousand. */
export const oneAgentTarget = (agentId: string): string =>
  `/slaves?slave_id=${encodeURIComponent(agentId)}`;

/**
 * From the answer to `oneAgentTarget`. A master that ignores the query tells of all agents, hence the look at the id.
 *
 * @throws BadMesosAnswer
 */
export function standingOf(answer: unknown, agentId: string): Standing {
  const outcome: Joi.ValidationResult<unknown> = answerSchema.validate(answer, { convert: false });
  if (outcome.error) throw new BadMesosAnswer('GET /slaves', outcome.error.message);
  const { slaves, recovered_slaves: recovered } = outcome.value as WireSlaves;
  const found = slaves.find(({ id }) => id === agentId);
  if (found) return found.drain_info === undefined ? 'registered' : 'draining';
  return recovered.some(({ id }) => id === agentId) ? 'recovered' : 'unknown';
}
