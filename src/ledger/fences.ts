import type { FenceOrderRecord, FenceRecord } from '../core/fence-record.ts';
import { type AuditEntry, auditWrite } from './audit.ts';
import type { BadRecord } from './errors.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import { listAll } from './listing.ts';
import { type Kept, records } from './records.ts';
import type { Entry, Guard, Outcome, Read, Revision, Store, Write } from './store.ts';

/** Every record of the fence, and what people said of it, by node. */
export interface Fences {
  readonly records: ReadonlyMap<string, Kept<FenceRecord>>;
  /** The same, without the revisions they were read with. */
  readonly plain: ReadonlyMap<string, FenceRecord>;
  readonly orders: ReadonlyMap<string, FenceOrderRecord>;
  readonly faults: readonly BadRecord[];
}

/** @throws LedgerUnreachable, Compacted */
export async function listFences(read: Read, signal: AbortSignal): Promise<Fences> {
  return fencesIn((await listAll(read, prefixes.fence, { signal })).entries);
}

/** Sorts entries under `prefixes.fence`. One that does not read is a fault and stops nothing. */
export function fencesIn(entries: readonly Entry[]): Fences {
  const under = (prefix: string) => entries.filter(({ key }) => key.startsWith(prefix));
  const found = records.fence.decodeAll(under(prefixes.fences));
  const orders = records.fenceOrder.decodeAll(under(prefixes.fenceOrders));
  const kept = found.good.map((one) => [nameIn(prefixes.fences, one.key), one] as const);
  return {
    records: new Map(kept),
    plain: new Map(kept.map(([node, { record }]) => [node, record])),
    orders: new Map(
      orders.good.map(({ key, record }) => [nameIn(prefixes.fenceOrders, key), record]),
    ),
    faults: [...found.faults, ...orders.faults],
  };
}

/** One step of a node's record, by whoever leads. */
export interface FenceChange {
  readonly node: string;
  /** Absent: it is dropped. */
  readonly record?: FenceRecord;
  /** Revision that the record was read with; 0: there was none. */
  readonly known: Revision;
  /** Of the term: a leader that is none any more loses, whatever the record says. */
  readonly term: Guard;
}

/** Not won: another leads, the record is not what it was, or people said to leave the node alone. @throws LedgerUnreachable, BadRecord */
export function commitFence(
  store: Store,
  { node, record, known, term }: FenceChange,
  signal: AbortSignal,
): Promise<Outcome> {
  // before Mesos is asked: whoever ordered that it be left alone since it was decided comes first
  const isSwitch = record?.state === 'closing' || record?.state === 'opening';
  const guards = [
    term,
    { key: keys.fence(node), revision: known },
    ...(isSwitch ? [{ key: keys.fenceOrder(node), revision: 0 }] : []),
  ];
  return store.commit({ guards, writes: [writeOf(node, record)] }, signal);
}

const writeOf = (node: string, record: FenceRecord | undefined): Write =>
  record
    ? { put: keys.fence(node), value: records.fence.encode(record) }
    : { drop: keys.fence(node) };

/**
 * Leaves word that a call of a leader that is none any more may have taken a node out of offers, where
 * nobody has a record of it: without one it would look like an operator's act, for ever.
 */
export async function confessFence(
  store: Store,
  { node, record }: { readonly node: string; readonly record: FenceRecord },
  signal: AbortSignal,
): Promise<void> {
  const guards = [{ key: keys.fence(node), revision: 0 }];
  await store.commit({ guards, writes: [writeOf(node, record)] }, signal);
}

/** Sets or drops what people say of a node, with its entry in the audit; the last word counts. */
export async function orderFence(
  store: Store,
  said: {
    readonly node: string;
    readonly order: FenceOrderRecord | undefined;
    readonly entry: AuditEntry;
  },
  signal: AbortSignal,
): Promise<void> {
  const key = keys.fenceOrder(said.node);
  const write: Write = said.order
    ? { put: key, value: records.fenceOrder.encode(said.order) }
    : { drop: key };
  await store.commit({ guards: [], writes: [write, auditWrite(said.entry)] }, signal);
}
