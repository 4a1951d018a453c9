import Joi from 'joi';
import { milliseconds } from './kinds.ts';

export interface AgentMesosSettings {
  /** Absent: pools are reached by what the node's record says alone. */
  readonly url?: string;
  readonly everyMs: number;
}

export const agentMesosSchema = Joi.object<AgentMesosSettings, true>({
  url: Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .description(
      "this node's own Mesos agent, such as http://127.0.0.1:5051: its attributes select pools, beside the node's record",
    ),
  everyMs: milliseconds({ from: 1_000, to: 3_600_000, otherwise: 30_000 }).description(
    'how often the Mesos agent is asked for its attributes',
  ),
});
