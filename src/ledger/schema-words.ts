import Joi from 'joi';

/** What the schemas of records are spelled in. */

export const name = Joi.string()
  .pattern(/^[a-z0-9][a-z0-9_.-]*$/, 'name')
  .max(253);
export const app = Joi.string().max(1024);
export const text = Joi.string().allow('');
export const count = Joi.number().integer().min(0);
export const kbit = count;
export const atMs = count;
export const v = Joi.valid(1).required();
export const labels = Joi.object().pattern(Joi.string(), text);
export const pairs = Joi.array().items(Joi.array().ordered(name.required(), count.required()));
