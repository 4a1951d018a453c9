import Joi from 'joi';
import { BadMesosAnswer } from '../errors.ts';
import type { MesosClient } from './client.ts';
import { attributesOf } from './translate.ts';
import { readAgentInfo } from './wire-read.ts';

const open = Joi.object().unknown();
const answerSchema = open.keys({
  get_agent: open.keys({ agent_info: open.required() }).required(),
});

interface WireOwnAgent {
  readonly get_agent: { readonly agent_info: unknown };
}

/**
 * The attributes that a Mesos agent says it has, each as Marathon compares it. The client must have the agent's
 * own address, not a master's. Mesos 1.4 or later.
 *
 * @throws MesosUnreachable, MesosRefused, BadMesosAnswer; the signal's reason
 * @see    Mesos src/slave/http.cpp, GET_AGENT
 */
export async function ownAttributes(
  client: Pick<MesosClient, 'call'>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const answer = await client.call({ type: 'GET_AGENT' }, signal);
  const { error } = answerSchema.validate(answer, { convert: false });
  if (error) throw new BadMesosAnswer('GET_AGENT', error.message);
  return attributesOf(readAgentInfo((answer as WireOwnAgent).get_agent.agent_info));
}
