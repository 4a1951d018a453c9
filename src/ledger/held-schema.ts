import Joi from 'joi';
import type { HeldRecord } from '../core/held-record.ts';

const count = Joi.number().integer().min(0);
const atMs = count;

/** What is optional came later: a record of before reads as one of the gate's. */
export const held = Joi.object<HeldRecord>({
  v: Joi.valid(1).required(),
  wanted: count.required(),
  allowed: count.required(),
  why: Joi.string().allow('').required(),
  sinceMs: atMs.required(),
  by: Joi.valid('gate', 'brake'),
  priority: Joi.number().integer(),
  verdict: Joi.string(),
  pending: Joi.object({ from: count.required(), version: Joi.string() }),
  grownMs: atMs,
  heldMs: atMs,
  ran: count,
  cycles: count,
  notBeforeMs: atMs,
  stoppedMs: atMs,
});
