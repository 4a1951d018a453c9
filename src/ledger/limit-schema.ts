import Joi from 'joi';
import { counted } from './lease-schema.ts';
import type { AuditRecord, LimitRecord, LimitStatusRecord } from '../core/limit-record.ts';
import { app, atMs, kbit, name, text, v } from './schema-words.ts';

export const limit = Joi.object<LimitRecord>({
  v,
  ...counted,
  edit: Joi.string(),
  editedMs: atMs,
});

export const limitStatus = Joi.object<LimitStatusRecord>({
  v,
  state: Joi.valid('enforced', 'failed', 'invalid').required(),
  netInKbit: kbit.required(),
  netOutKbit: kbit.required(),
  forced: Joi.valid(true),
  edit: Joi.string(),
  reason: text,
  atMs: atMs.required(),
});

const audited = Joi.object({
  netInKbit: kbit.required(),
  netOutKbit: kbit.required(),
  forced: Joi.valid(true),
});

export const audit = Joi.object<AuditRecord>({
  v,
  atMs: atMs.required(),
  who: text.required(),
  by: Joi.valid('cli', 'console', 'ledger', 'agent').required(),
  act: Joi.valid(
    ...['set', 'reset', 'put back', 'refused', 'removed'],
    ...['fence left', 'fence resumed', 'held released', 'held forgotten'],
  ).required(),
  node: name,
  address: Joi.string(),
  container: Joi.string(),
  app,
  before: audited,
  after: audited,
  why: text,
  of: Joi.string(),
});
