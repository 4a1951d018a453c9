import Joi from 'joi';
import { milliseconds, text } from './kinds.ts';

export interface AgentShapeSettings {
  readonly enabled: boolean;
  readonly everyMs: number;
  readonly netns?: string;
}

export const agentShapeSchema = Joi.object<AgentShapeSettings, true>({
  enabled: Joi.boolean()
    .default(true)
    .description("put limits in this node's kernel; false leaves it as it is"),
  everyMs: milliseconds({ from: 1_000, to: 600_000, otherwise: 10_000 }).description(
    'how often the kernel is compared with the limits, besides on every change',
  ),
  netns: text().description(
    "path of the network namespace that dockerd works in; the agent's own when left out",
  ),
});
