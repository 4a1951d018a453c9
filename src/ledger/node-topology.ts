import type { NodeTopology } from '../core/attributes.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import { UnknownNode } from './lease-errors.ts';
import { listAll } from './listing.ts';
import { type Codec, records } from './records.ts';
import type { Read } from './store.ts';

/**
 * What the ledger says about one node and the pools that it may reach; records that do not read are left out.
 *
 * @throws UnknownNode, BadRecord, LedgerUnreachable
 */
export async function readNodeTopology(
  read: Read,
  node: string,
  signal: AbortSignal,
): Promise<Omit<NodeTopology, 'others'>> {
  const entry = await read.get(keys.node(node), signal);
  if (!entry) throw new UnknownNode(node);
  const all = async <Record>(
    prefix: string,
    codec: Codec<Record>,
  ): Promise<Map<string, Record>> => {
    const { entries } = await listAll(read, prefix, { signal });
    const { good } = codec.decodeAll(entries);
    return new Map(good.map(({ key, record }) => [nameIn(prefix, key), record]));
  };
  return {
    node,
    record: records.node.decode(entry),
    pools: await all(prefixes.pools, records.pool),
    networks: await all(prefixes.networks, records.network),
  };
}
