import Joi from 'joi';
import type {
  AdmissionRecord,
  AppRatesRecord,
  InjectedRecord,
  ReservationRecord,
} from '../core/promise-record.ts';
import { atMs, count, kbit, name, pairs, text, v } from './schema-words.ts';

export const admission = Joi.object<AdmissionRecord>({ v, sequence: count.required() });

const figure = Joi.number().min(0);
export const demand = Joi.object({
  cpus: figure.required(),
  memMiB: figure.required(),
  diskMiB: figure.required(),
  gpus: figure.required(),
  ports: Joi.object({
    any: count.required(),
    fixed: Joi.array().items(count.max(65_535)).required(),
  }).required(),
  addresses: Joi.array()
    .items(
      Joi.object({
        network: name.required(),
        netInKbit: kbit.required(),
        netOutKbit: kbit.required(),
      }),
    )
    .required(),
});

const operators = ['LIKE', 'UNLIKE', 'IS', 'CLUSTER', 'UNIQUE', 'MAX_PER', 'GROUP_BY'];
const constraint = Joi.object({
  field: text.required(),
  operator: Joi.valid(...operators).required(),
  value: text,
});
export const constraints = Joi.array().items(constraint);

export const reservation = Joi.object<ReservationRecord>({
  v,
  id: Joi.string().required(),
  target: count.required(),
  demand: demand.required(),
  constraints: constraints.required(),
  witness: pairs.required(),
  draws: pairs.required(),
  sequence: count.required(),
  sinceMs: atMs.required(),
  deadlineMs: atMs.required(),
  fingerprint: text.required(),
  until: Joi.valid('leases', 'deployment', 'deadline').required(),
  growInKbit: kbit.required(),
  growOutKbit: kbit.required(),
  atOnce: count,
  deployment: Joi.string(),
});

export const injected = Joi.object<InjectedRecord>({
  v,
  constraints: Joi.array().items(Joi.array().items(text)).required(),
  sinceMs: atMs.required(),
});

export const appRates = Joi.object<AppRatesRecord>({
  v,
  networks: Joi.object()
    .pattern(name, Joi.object({ netInKbit: kbit, netOutKbit: kbit }).min(1))
    .min(1)
    .required(),
  sinceMs: atMs.required(),
});
