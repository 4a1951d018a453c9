import Joi from 'joi';
import { poolSpace } from '../core/pool.ts';
import type * as Of from '../core/records.ts';
import { held } from './held-schema.ts';
import { reconciled, rebuilding } from './record-schemas-node.ts';

/**
 * One schema per record of core/records.ts. Nothing is converted and unknown keys are faults: what is
 * stored is exactly what was meant.
 */
const name = Joi.string()
  .pattern(/^[a-z0-9][a-z0-9_.-]*$/, 'name')
  .max(253);
const app = Joi.string().max(1024);
const text = Joi.string().allow('');
const count = Joi.number().integer().min(0);
const kbit = count;
const atMs = count;
const v = Joi.valid(1).required();
const labels = Joi.object().pattern(Joi.string(), text);
const pairs = Joi.array().items(Joi.array().ordered(name.required(), count.required()));

const network = Joi.object<Of.NetworkRecord>({
  v,
  pools: Joi.array().items(name).required(),
  fill: Joi.valid('order', 'spread'),
  attachment: Joi.valid('bridge', 'routed').required(),
  defaultInKbit: kbit.required(),
  defaultOutKbit: kbit.required(),
});

const range = Joi.object({ from: Joi.string().required(), to: Joi.string().required() });

/** Beyond the shape: the addresses must read, so that no reader of a pool has to expect a fault. */
const readable = (record: Of.PoolRecord): Of.PoolRecord => {
  poolSpace(record);
  return record;
};

const pool = Joi.object<Of.PoolRecord>({
  v,
  cidr: Joi.string().required(),
  ranges: Joi.array().items(range).required(),
  exclude: Joi.array().items(Joi.string()).required(),
  gateway: Joi.string(),
  vlan: Joi.number().integer().min(1).max(4094),
  nodes: Joi.object({ names: Joi.array().items(name), attributes: labels }).required(),
}).custom(readable);

const node = Joi.object<Of.NodeRecord>({
  v,
  linkInKbit: kbit.required(),
  linkOutKbit: kbit.required(),
  overcommit: Joi.number().min(1).required(),
  headroom: Joi.number().greater(0).max(1).required(),
  attributes: labels.required(),
  agentId: Joi.string(),
  bootId: Joi.string(),
});

const offset = Joi.string().pattern(/^(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/, 'offset');
const mask = Joi.string().pattern(/^[0-9a-f]{64}$/, 'mask');
const blockNumber = Joi.string().pattern(/^(0|[1-9]\d{0,16})$/, 'number of a block');

const reserve = Joi.object<Of.Reserve>({
  kept: mask,
  resting: Joi.object().pattern(offset, atMs),
});

const tally = Joi.object<Of.TallyRecord>({
  v,
  netInKbit: kbit.required(),
  netOutKbit: kbit.required(),
  pools: Joi.object().pattern(name, count).required(),
  apps: Joi.object().pattern(app, Joi.object().pattern(name, count)).required(),
  forced: count.min(1),
  reserve: Joi.object().pattern(name, Joi.object().pattern(blockNumber, reserve)),
});

const block = Joi.object<Of.BlockRecord>({
  v,
  held: Joi.object().pattern(name, mask).required(),
  cursor: count.max(255).required(),
  cooling: Joi.object().pattern(offset, atMs).required(),
  quarantined: Joi.object().pattern(offset, text).required(),
});

const births = Joi.object<Of.BirthsRecord>({ v });

const starving = Joi.object<Of.StarvingRecord>({ v, atMs: atMs.required() });

const counted = {
  netInKbit: kbit.required(),
  netOutKbit: kbit.required(),
  classMinor: Joi.number().integer().min(1).max(0xfffe).required(),
  forced: Joi.valid(true),
};

const lease = Joi.object<Of.LeaseRecord>({
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

const limit = Joi.object<Of.LimitRecord>({
  v,
  ...counted,
  edit: Joi.string(),
  editedMs: atMs,
});

const alive = Joi.object<Of.AliveRecord>({
  v,
  bootId: Joi.string().required(),
  sinceMs: atMs.required(),
});

const limitStatus = Joi.object<Of.LimitStatusRecord>({
  v,
  state: Joi.valid('enforced', 'failed', 'invalid').required(),
  netInKbit: kbit.required(),
  netOutKbit: kbit.required(),
  edit: Joi.string(),
  reason: text,
  atMs: atMs.required(),
});

const audited = Joi.object({
  netInKbit: kbit.required(),
  netOutKbit: kbit.required(),
  forced: Joi.valid(true),
});

const audit = Joi.object<Of.AuditRecord>({
  v,
  atMs: atMs.required(),
  who: text.required(),
  by: Joi.valid('cli', 'console', 'ledger', 'agent').required(),
  act: Joi.valid(
    ...['set', 'reset', 'put back', 'refused', 'removed', 'fence left', 'fence resumed'],
  ).required(),
  node: name.required(),
  address: Joi.string(),
  container: Joi.string(),
  app,
  before: audited,
  after: audited,
  why: text,
  of: Joi.string(),
});

const admission = Joi.object<Of.AdmissionRecord>({ v, sequence: count.required() });

const figure = Joi.number().min(0);
const demand = Joi.object({
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
const constraints = Joi.array().items(constraint);

const reservation = Joi.object<Of.ReservationRecord>({
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
  deployment: Joi.string(),
});

const injected = Joi.object<Of.InjectedRecord>({
  v,
  constraints: Joi.array().items(Joi.array().items(text)).required(),
  sinceMs: atMs.required(),
});

const ask = Joi.object({
  app: app.required(),
  instances: count.required(),
  demand: demand.required(),
  constraints: constraints.required(),
});
const reason = Joi.object({ node: Joi.string().required(), fits: count.required(), short: text });

const verdict = Joi.object<Of.VerdictRecord>({
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
