import type Joi from 'joi';
import { alive, rebuilding, reconciled } from './agent-schema.ts';
import { held } from './held-schema.ts';
import { births, block, lease, starving, tally } from './lease-schema.ts';
import { audit, limit, limitStatus } from './limit-schema.ts';
import { admission, appRates, injected, reservation } from './promise-schema.ts';
import { network, node, pool } from './topology-schema.ts';
import { verdict } from './verdict-schema.ts';

/**
 * One schema per record; the shapes are the interfaces of core/*-record.ts, the keys are in keys.ts. Nothing is
 * converted and unknown keys are faults: what is stored is exactly what was meant. Every record carries the
 * version of its shape in `v`.
 */
export const schemas = {
  network,
  pool,
  node,
  tally,
  block,
  births,
  starving,
  lease,
  limit,
  alive,
  limitStatus,
  audit,
  admission,
  reservation,
  held,
  injected,
  appRates,
  verdict,
  reconciled,
  rebuilding,
} as const;

/** The first thing that keeps a value from being such a record; undefined when nothing does. */
export function faultOf(schema: Joi.ObjectSchema, value: unknown): string | undefined {
  if (holdsProto(value)) return 'a key is "__proto__"';
  return schema.validate(value, { convert: false }).error?.message;
}

/** Joi copies objects by assignment, which loses this key unseen. */
const holdsProto = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Object.hasOwn(value, '__proto__') || Object.values(value).some(holdsProto));
