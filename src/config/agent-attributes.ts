import Joi from 'joi';
import { milliseconds, text } from './kinds.ts';

export interface AgentAttributesSettings {
  /** Absent: none is kept. */
  readonly file?: string;
  readonly policy: 'equal' | 'additive';
  readonly everyMs: number;
}

export const agentAttributesSchema = Joi.object<AgentAttributesSettings, true>({
  file: text().description(
    "file for the Mesos agent's --attributes=file://...; none is kept when left out",
  ),
  policy: Joi.string()
    .valid('equal', 'additive')
    .default('equal')
    .description(
      'the --reconfiguration_policy that the Mesos agent runs with: what it takes is written by itself',
    ),
  everyMs: milliseconds({ from: 1_000, to: 3_600_000, otherwise: 30_000 }).description(
    'how often the file is compared with the ledger',
  ),
});
