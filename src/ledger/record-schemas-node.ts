import Joi from 'joi';
import type * as Of from '../core/records.ts';

/** Schemas of what the agents of nodes say of themselves; see record-schemas.ts. */
const v = Joi.valid(1).required();
const count = Joi.number().integer().min(0);
const atMs = count;
const text = Joi.string().allow('');

export const reconciled = Joi.object<Of.ReconciledRecord>({
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

export const rebuilding = Joi.object<Of.RebuildingRecord>({
  v,
  id: Joi.string().required(),
  sinceMs: atMs.required(),
});
