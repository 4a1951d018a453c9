import Joi from 'joi';
import { constraints, demand } from './promise-schema.ts';
import type { VerdictRecord } from '../core/verdict-record.ts';
import { app, atMs, count, text, v } from './schema-words.ts';

const ask = Joi.object({
  app: app.required(),
  instances: count.required(),
  demand: demand.required(),
  constraints: constraints.required(),
});
const reason = Joi.object({ node: Joi.string().required(), fits: count.required(), short: text });

export const verdict = Joi.object<VerdictRecord>({
  v,
  atMs: atMs.required(),
  change: text.required(),
  apps: Joi.array().items(app).required(),
  answer: Joi.valid('admit', 'reroute', 'hold', 'refuse', 'pass').required(),
  message: text.required(),
  revision: count.required(),
  sequence: count.required(),
  asks: Joi.array().items(ask).required(),
  nodes: Joi.array().items(reason).required(),
});
