import { formatAddress, parseAddress } from '../core/address.ts';
import type { PoolSpace } from '../core/pool.ts';
import { poolSpace, reaches } from '../core/pool.ts';
import type { TallyRecord } from '../core/lease-record.ts';
import type { NetworkRecord, PoolRecord } from '../core/topology-record.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import { NoPoolReached, UnknownNetwork, UnknownNode } from './lease-errors.ts';
import { Holdings } from './lease-holdings.ts';
import { records } from './records.ts';
import type { Entry, Guard, Read, Revision } from './store.ts';
import { EMPTY_TALLY } from './tally.ts';

/** A pool that the node reaches, ready to be searched. */
export interface ReachedPool {
  readonly name: string;
  readonly record: PoolRecord;
  readonly space: PoolSpace;
  readonly revision: Revision;
}

export interface LeaseView {
  readonly tally: TallyRecord;
  readonly tallyRevision: Revision;
  /** Read after the tally, whose guard therefore vouches for it. */
  readonly held: Holdings;
  readonly network: NetworkRecord;
  readonly pools: readonly ReachedPool[];
  /** Pools of the network that the node does not reach: only what it got before is its own. */
  readonly beyond: readonly ReachedPool[];
  /** Node, network and tally as they were read; the pool and the block join them. */
  readonly guards: readonly Guard[];
}

export interface Asking {
  readonly node: string;
  readonly network: string;
  /** What Mesos says of the node; what its record adds is merged over it. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** This address and no other. */
  readonly address?: string;
}

/**
 * Everything an allocation looks at, save blocks.
 *
 * @throws UnknownNode, UnknownNetwork, NoPoolReached (unless an address is named), BadRecord
 */
export async function viewFor(read: Read, ask: Asking, signal: AbortSignal): Promise<LeaseView> {
  const [nodeEntry, networkEntry, tallyEntry] = await Promise.all([
    read.get(keys.node(ask.node), signal),
    read.get(keys.network(ask.network), signal),
    read.get(keys.tally(ask.node), signal),
  ]);
  if (!nodeEntry) throw new UnknownNode(ask.node);
  if (!networkEntry) throw new UnknownNetwork(ask.network);
  const network = records.network.decode(networkEntry);
  const named = network.pools;
  const [pools, held] = await Promise.all([
    readPools(read, named, signal),
    Holdings.of(read, ask.node, signal),
  ]);
  const isReached = ({ record }: ReachedPool): boolean =>
    reachedBy(nodeEntry, record, ask.attributes);
  const reached = pools.filter(isReached);
  if (reached.length === 0 && ask.address === undefined)
    throw new NoPoolReached(ask.network, ask.node, named);
  const tallyRevision = tallyEntry?.revision ?? 0;
  return {
    held,
    network,
    tally: tallyEntry ? records.tally.decode(tallyEntry) : EMPTY_TALLY,
    tallyRevision,
    pools: reached,
    beyond: pools.filter((pool) => !isReached(pool)),
    guards: [
      { key: nodeEntry.key, revision: nodeEntry.revision },
      { key: networkEntry.key, revision: networkEntry.revision },
      { key: keys.tally(ask.node), revision: tallyRevision },
    ],
  };
}

/** @param seen what Mesos says of the node; what its record adds is merged over it */
export function reachedBy(
  node: Entry,
  { nodes }: PoolRecord,
  seen: Readonly<Record<string, string>> = {},
): boolean {
  const { attributes } = records.node.decode(node);
  return reaches(nodes, nameIn(prefixes.nodes, node.key), { ...seen, ...attributes });
}

/** In the network's order. One that does not read is left out: the others still serve. */
async function readPools(
  read: Read,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly ReachedPool[]> {
  const entries = await Promise.all(names.map((pool) => read.get(keys.pool(pool), signal)));
  const { good } = records.pool.decodeAll(entries.filter((entry) => entry !== undefined));
  return good.map(({ key, record, revision }) => ({
    name: nameIn(prefixes.pools, key),
    record,
    space: poolSpace(record),
    revision,
  }));
}

/** One spelling, so that one address is one key. @throws BadAddress */
export const spelled = (address: string): string => formatAddress(parseAddress(address));
