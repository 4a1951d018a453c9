import Joi from 'joi';
import { FIGURES } from '../core/capacity-record.ts';
import type {
  Delivery,
  OutboxRecord,
  ReportRecord,
  ScheduleRecord,
} from '../core/report-record.ts';

const v = Joi.valid(1).required();
const count = Joi.number().integer().min(0);
const text = Joi.string().allow('').max(4_096);
const id = Joi.string()
  .pattern(/^[a-z0-9][a-z0-9_-]*-[0-9a-z]+$/)
  .max(128);

export const reportSchedule = Joi.object<ScheduleRecord>({
  v,
  cron: Joi.string().max(200).required(),
  timezone: Joi.string().max(64).required(),
  lastDueMs: count.required(),
  last: id,
});

const delivery = Joi.object<Delivery>({
  to: Joi.valid('file', 'webhook').required(),
  name: Joi.string().max(64).required(),
  state: Joi.valid('waiting', 'done', 'given up').required(),
  attempts: count.required(),
  atMs: count.required(),
  path: text,
  fault: text,
});
const deliveries = Joi.array().items(delivery).max(20);

export const reportOutbox = Joi.object<OutboxRecord>({ v, deliveries: deliveries.required() });

const figures = Joi.object(
  Object.fromEntries(FIGURES.map((figure) => [figure, Joi.number().integer()])),
);

const waiting = Joi.object({
  app: Joi.string().max(1_024).required(),
  allowed: count.required(),
  wanted: count.required(),
  sinceMs: count.required(),
});

export const report = Joi.object<ReportRecord>({
  v,
  id: id.required(),
  schedule: Joi.string().max(64).required(),
  atMs: count.required(),
  dueMs: count,
  late: Joi.valid(true),
  missed: count,
  sinceMs: count,
  before: id,
  revision: count.required(),
  atLeast: Joi.valid(true),
  doubts: Joi.array().items(text).required(),
  waiting: Joi.array().items(waiting).required(),
  figures: figures.required(),
  change: figures,
  rows: count.required(),
  parts: count.required(),
  deliveries,
});
