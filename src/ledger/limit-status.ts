import type { LimitStatusRecord } from '../core/limit-record.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import type { Holding } from './limit-change.ts';
import { listAll } from './listing.ts';
import { records } from './records.ts';
import type { Read, Write } from './store.ts';

export const statusWrite = ({ node, address }: Holding, status: LimitStatusRecord): Write => ({
  put: keys.limitStatus(node, address),
  value: records.limitStatus.encode(status),
});

/** What the node's agent says of one limit; undefined when it said nothing, or nothing that reads. */
export async function readStatus(
  read: Read,
  { node, address }: Holding,
  signal: AbortSignal,
): Promise<LimitStatusRecord | undefined> {
  const entry = await read.get(keys.limitStatus(node, address), signal);
  return entry && records.limitStatus.decodeAll([entry]).good[0]?.record;
}

/** By address; those that do not read are left out. */
export async function listStatuses(
  read: Read,
  node: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LimitStatusRecord>> {
  const prefix = prefixes.limitStatusesOf(node);
  const { entries } = await listAll(read, prefix, { signal });
  const { good } = records.limitStatus.decodeAll(entries);
  return new Map(good.map(({ key, record }) => [nameIn(prefix, key), record]));
}
