import Joi from 'joi';
import { validateDetailed } from 'node-cron';
import { count, milliseconds, text } from './kinds.ts';

export type ReportFormat = 'text' | 'json' | 'csv';

/** Where a report is sent. */
export interface WebhookSettings {
  readonly name: string;
  readonly url: string;
  readonly format: ReportFormat;
  /** At most one of these; neither: the report is sent without a signature. */
  readonly secretFile?: string;
  readonly secretEnv?: string;
}

export interface ScheduleSettings {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  /** Of the files. */
  readonly formats: readonly ReportFormat[];
  /** Absent: no files. */
  readonly directory?: string;
  /** Files of a format that stay. */
  readonly keep: number;
  /** Files that are older go, too. */
  readonly keepDays?: number;
  readonly webhooks: readonly WebhookSettings[];
}

export interface MacLimit {
  readonly vlan: number;
  readonly limit: number;
}

export interface ReportSettings {
  readonly schedules: ScheduleSettings[];
  readonly history: number;
  readonly rowsKept: number;
  readonly rackAttribute: string;
  readonly macLimit: number;
  readonly macLimits: MacLimit[];
  readonly macWarnPercent: number;
  readonly webhookWithinMs: number;
  readonly webhookAttempts: number;
  readonly webhookBackoffMs: number;
}

const FORMATS: readonly ReportFormat[] = ['text', 'json', 'csv'];
const name = Joi.string()
  .pattern(/^[a-z0-9][a-z0-9_-]*$/)
  .max(64);
/** A report of what somebody asked for has it. */
const TAKEN = 'now';

const cron = (expression: string): string => {
  const { valid, errors } = validateDetailed(expression);
  if (!valid) throw new Error(errors.map(({ message }) => message).join('; '));
  const fields = expression.trim().split(/\s+/).length;
  if (fields > 5) throw new Error('a report is due at a minute: give five fields, without seconds');
  return expression;
};

const timezone = (zone: string): string => {
  new Intl.DateTimeFormat('en-US', { timeZone: zone }); // throws for what it does not know
  return zone;
};

const webhook = Joi.object<WebhookSettings>({
  name: name.required(),
  url: Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .required(),
  format: Joi.valid(...FORMATS).default('json'),
  secretFile: text(),
  secretEnv: Joi.string().pattern(/^[A-Za-z_][A-Za-z0-9_]*$/),
}).oxor('secretFile', 'secretEnv');

const schedule = Joi.object<ScheduleSettings>({
  name: name.invalid(TAKEN).required(),
  cron: Joi.string().max(200).custom(cron).required(),
  timezone: Joi.string().max(64).custom(timezone).default('UTC'),
  formats: Joi.array()
    .items(Joi.valid(...FORMATS))
    .unique()
    .min(1)
    .default([...FORMATS]),
  directory: text(),
  keep: Joi.number().integer().min(1).max(10_000).default(30),
  keepDays: Joi.number().integer().min(1).max(3_660),
  webhooks: Joi.array().items(webhook).unique('name').max(10).default([]),
});

const macLimit = Joi.object<MacLimit>({
  vlan: Joi.number().integer().min(1).max(4_094).required(),
  limit: Joi.number().integer().min(1).required(),
});

export const reportSchema = Joi.object<ReportSettings, true>({
  schedules: Joi.array()
    .items(schedule)
    .unique('name')
    .max(20)
    .default([])
    .description(
      'reports made by themselves, each {name, cron, timezone, formats, directory, keep, keepDays, webhooks}; see src/report/README.md',
    ),
  history: count({ from: 1, to: 1_000, otherwise: 200 }, 'reports').description(
    'reports of each schedule that the ledger remembers',
  ),
  rowsKept: count({ from: 1, to: 1_000, otherwise: 14 }, 'reports').description(
    'the newest of them of which it keeps every row',
  ),
  rackAttribute: text().default('rack').description("attribute that names a node's rack"),
  macLimit: count({ from: 1, to: 1_000_000, otherwise: 32_000 }, 'MACs').description(
    'addresses that the switches can learn in one VLAN',
  ),
  macLimits: Joi.array()
    .items(macLimit)
    .unique('vlan')
    .default([])
    .description('VLANs of which the switches can learn another number, each {vlan, limit}'),
  macWarnPercent: count({ from: 1, to: 100, otherwise: 80 }, 'percent').description(
    'share of the limit from which on a VLAN is marked',
  ),
  webhookWithinMs: milliseconds({ from: 100, to: 120_000, otherwise: 10_000 }).description(
    'longest that a webhook may take to answer',
  ),
  webhookAttempts: count({ from: 1, to: 100, otherwise: 10 }, 'attempts').description(
    'how often a report is sent to a webhook before it is given up',
  ),
  webhookBackoffMs: milliseconds({ from: 10, to: 3_600_000, otherwise: 5_000 }).description(
    'pause before the second attempt; it doubles with each, up to an hour',
  ),
});
