import Joi from 'joi';
import { type FailureRecord, LONGEST_WHY, TIMES_KEPT } from '../core/failure-record.ts';

const atMs = Joi.number().integer().min(0);
const id = Joi.string().max(1_024);

export const failure = Joi.object<FailureRecord>({
  v: Joi.valid(1).required(),
  sinceMs: atMs.required(),
  atMs: atMs.required(),
  count: Joi.number().integer().min(1).required(),
  times: Joi.array().items(atMs).min(1).max(TIMES_KEPT).required(),
  node: Joi.string().max(253).required(),
  network: Joi.string().max(253).required(),
  short: Joi.valid('address', 'bandwidth').required(),
  why: Joi.string().allow('').max(LONGEST_WHY).required(),
  app: id,
  task: id,
  container: id,
});
