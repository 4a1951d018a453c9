import Joi from 'joi';
import { FLIPS_KEPT, type FenceOrderRecord, type FenceRecord } from '../core/fence-record.ts';

/** Schemas of core/fence-record.ts; see record-schemas.ts. */
const v = Joi.valid(1).required();
const text = Joi.string().allow('');
const atMs = Joi.number().integer().min(0);
const amount = Joi.number();
const times = Joi.array().items(atMs).max(FLIPS_KEPT).required();

export const fence = Joi.object<FenceRecord>({
  v,
  agentId: Joi.string().required(),
  state: Joi.valid('closing', 'closed', 'opening', 'yielded').required(),
  mode: Joi.valid('on', 'watch').required(),
  by: Joi.valid('deactivate', 'token').required(),
  why: text.required(),
  figures: Joi.object({
    addresses: amount.required(),
    network: Joi.string(),
    netInKbit: amount.required(),
    netOutKbit: amount.required(),
    cpus: amount.required(),
    memMiB: amount.required(),
  }).required(),
  sinceMs: atMs.required(),
  term: Joi.number().integer().min(0).required(),
  flips: times,
  undone: times,
});

export const fenceOrder = Joi.object<FenceOrderRecord>({
  v,
  order: Joi.valid('leave').required(),
  who: text.required(),
  why: text,
  atMs: atMs.required(),
});
