import Joi from 'joi';
import type {
  BirthsRecord,
  BlockRecord,
  LeaseRecord,
  Reserve,
  StarvingRecord,
  TallyRecord,
} from '../core/lease-record.ts';
import { app, atMs, count, kbit, name, text, v } from './schema-words.ts';

const offset = Joi.string().pattern(/^(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/, 'offset');
const mask = Joi.string().pattern(/^[0-9a-f]{64}$/, 'mask');
const blockNumber = Joi.string().pattern(/^(0|[1-9]\d{0,16})$/, 'number of a block');

const reserve = Joi.object<Reserve>({
  kept: mask,
  resting: Joi.object().pattern(offset, atMs),
});

export const tally = Joi.object<TallyRecord>({
  v,
  netInKbit: kbit.required(),
  netOutKbit: kbit.required(),
  pools: Joi.object().pattern(name, count).required(),
  apps: Joi.object().pattern(app, Joi.object().pattern(name, count)).required(),
  forced: count.min(1),
  reserve: Joi.object().pattern(name, Joi.object().pattern(blockNumber, reserve)),
});

export const block = Joi.object<BlockRecord>({
  v,
  held: Joi.object().pattern(name, mask).required(),
  cursor: count.max(255).required(),
  cooling: Joi.object().pattern(offset, atMs).required(),
  quarantined: Joi.object().pattern(offset, text).required(),
});

export const births = Joi.object<BirthsRecord>({ v });

export const starving = Joi.object<StarvingRecord>({ v, atMs: atMs.required() });

export const counted = {
  netInKbit: kbit.required(),
  netOutKbit: kbit.required(),
  classMinor: Joi.number().integer().min(1).max(0xfffe).required(),
  forced: Joi.valid(true),
};

export const lease = Joi.object<LeaseRecord>({
  v,
  pool: name.required(),
  network: name.required(),
  app,
  task: Joi.string(),
  container: Joi.string(),
  mac: Joi.string(),
  incarnation: Joi.string().required(),
  by: Joi.valid('docker', 'cni', 'aux'),
  bootId: Joi.string(),
  sinceMs: atMs.required(),
  startedMs: atMs,
  asked: Joi.object({ netInKbit: kbit, netOutKbit: kbit }),
  counted: Joi.object(counted),
});
