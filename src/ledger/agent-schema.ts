import Joi from 'joi';
import type { AliveRecord, RebuildingRecord, ReconciledRecord } from '../core/agent-record.ts';
import { atMs, count, text, v } from './schema-words.ts';

export const alive = Joi.object<AliveRecord>({
  v,
  bootId: Joi.string().required(),
  sinceMs: atMs.required(),
});

export const reconciled = Joi.object<ReconciledRecord>({
  v,
  atMs: atMs.required(),
  bootId: Joi.string(),
  running: count.required(),
  adopted: count.required(),
  completed: count.required(),
  released: count.required(),
  kept: count.required(),
  conflicts: Joi.array().items(text).max(50).required(),
  releases: Joi.array()
    .items(
      Joi.object({
        atMs: atMs.required(),
        address: Joi.string().required(),
        container: Joi.string(),
        app: Joi.string().max(1024),
        why: text.required(),
      }),
    )
    .max(20)
    .required(),
  rebuild: Joi.string(),
});

export const rebuilding = Joi.object<RebuildingRecord>({
  v,
  id: Joi.string().required(),
  sinceMs: atMs.required(),
});
