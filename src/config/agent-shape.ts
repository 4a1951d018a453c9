import Joi from 'joi';
import { milliseconds } from './kinds.ts';

export interface AgentShapeSettings {
  readonly enabled: boolean;
  readonly everyMs: number;
}

export const agentShapeSchema = Joi.object<AgentShapeSettings, true>({
  enabled: Joi.boolean()
    .default(true)
    .description("put limits in this node's kernel; false leaves it as it is"),
  everyMs: milliseconds({ from: 1_000, to: 600_000, otherwise: 10_000 }).description(
    'how often the kernel is compared with the limits, besides on every change',
  ),
});
