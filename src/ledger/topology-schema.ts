import Joi from 'joi';
import { poolSpace } from '../core/pool.ts';
import type { NetworkRecord, NodeRecord, PoolRecord } from '../core/topology-record.ts';
import { kbit, labels, name, v } from './schema-words.ts';

export const network = Joi.object<NetworkRecord>({
  v,
  pools: Joi.array().items(name).required(),
  fill: Joi.valid('order', 'spread'),
  attachment: Joi.valid('bridge', 'routed').required(),
  defaultInKbit: kbit.required(),
  defaultOutKbit: kbit.required(),
});

const range = Joi.object({ from: Joi.string().required(), to: Joi.string().required() });

/** Beyond the shape: the addresses must read, so that no reader of a pool has to expect a fault. */
const readable = (record: PoolRecord): PoolRecord => {
  poolSpace(record);
  return record;
};

export const pool = Joi.object<PoolRecord>({
  v,
  cidr: Joi.string().required(),
  ranges: Joi.array().items(range).required(),
  exclude: Joi.array().items(Joi.string()).required(),
  gateway: Joi.string(),
  vlan: Joi.number().integer().min(1).max(4094),
  nodes: Joi.object({ names: Joi.array().items(name), attributes: labels }).required(),
}).custom(readable);

export const node = Joi.object<NodeRecord>({
  v,
  linkInKbit: kbit.required(),
  linkOutKbit: kbit.required(),
  overcommit: Joi.number().min(1).required(),
  headroom: Joi.number().greater(0).max(1).required(),
  attributes: labels.required(),
  agentId: Joi.string(),
  bootId: Joi.string(),
});
