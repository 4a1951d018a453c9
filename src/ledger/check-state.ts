import type { PoolSpace } from '../core/pool.ts';
import { poolSpace } from '../core/pool.ts';
import type { BlockRecord, LeaseRecord, TallyRecord } from '../core/lease-record.ts';
import type { LimitRecord } from '../core/limit-record.ts';
import { blockIn, holdingOf, nameIn, prefixes } from './keys.ts';
import { listAll } from './listing.ts';
import type { Codec, Kept } from './records.ts';
import { records } from './records.ts';
import type { Read, Revision } from './store.ts';

/** Something in the ledger that contradicts something else, or does not read. */
export interface Finding {
  readonly key: string;
  readonly says: string;
}

export interface Held<Record> {
  readonly key: string;
  readonly node: string;
  readonly address: string;
  readonly record: Record;
}

export interface State {
  readonly revision: Revision;
  readonly faults: readonly Finding[];
  readonly nodes: ReadonlySet<string>;
  readonly spaces: ReadonlyMap<string, PoolSpace>;
  readonly blocks: readonly (Kept<BlockRecord> & { readonly pool: string; readonly n: bigint })[];
  readonly leases: readonly Held<LeaseRecord>[];
  readonly limits: readonly Held<LimitRecord>[];
  readonly tallies: ReadonlyMap<string, TallyRecord>;
}

/** All of it at one revision. */
export async function readState(read: Read, signal: AbortSignal): Promise<State> {
  const faults: Finding[] = [];
  const { revision } = await read.range({ prefix: prefixes.pools, limit: 1 }, signal);
  const all = async <Record>(prefix: string, codec: Codec<Record>): Promise<Kept<Record>[]> => {
    const at = revision === 0 ? {} : { at: revision };
    const { entries } = await listAll(read, prefix, { signal, ...at });
    const decoded = codec.decodeAll(entries);
    faults.push(...decoded.faults.map(({ key, message }) => ({ key, says: message })));
    return [...decoded.good];
  };
  const pools = await all(prefixes.pools, records.pool);
  const nodes = await all(prefixes.nodes, records.node);
  const tallies = await all(prefixes.tallies, records.tally);
  const blocks = await all(prefixes.blocks, records.block);
  await all(prefixes.appRates, records.appRates); // nothing adds them up; only whether they read
  return {
    revision,
    faults,
    nodes: new Set(nodes.map(({ key }) => nameIn(prefixes.nodes, key))),
    spaces: new Map(
      pools.map(({ key, record }) => [nameIn(prefixes.pools, key), poolSpace(record)]),
    ),
    blocks: blocks.flatMap((kept) => {
      const place = blockIn(kept.key);
      return place ? [{ ...kept, ...place }] : [];
    }),
    leases: held(prefixes.leases, await all(prefixes.leases, records.lease)),
    limits: held(prefixes.limits, await all(prefixes.limits, records.limit)),
    tallies: new Map(tallies.map(({ key, record }) => [nameIn(prefixes.tallies, key), record])),
  };
}

const held = <Record>(prefix: string, kept: readonly Kept<Record>[]): Held<Record>[] =>
  kept.flatMap(({ key, record }) => {
    const place = holdingOf(prefix, key);
    return place ? [{ key, ...place, record }] : [];
  });

export const idOf = (node: string, address: string): string => `${node} ${address}`;
