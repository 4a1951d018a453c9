import { formatAddress, parseAddress } from '../core/address.ts';
import type { PoolSpace } from '../core/pool.ts';
import { poolSpace, reaches } from '../core/pool.ts';
import type { LeaseRecord, TallyRecord } from '../core/lease-record.ts';
import type { LimitRecord } from '../core/limit-record.ts';
import type { NetworkRecord, PoolRecord } from '../core/topology-record.ts';
import { holdingOf, keys, nameIn, prefixes } from './keys.ts';
import { NoPoolReached, UnknownNetwork, UnknownNode } from './lease-errors.ts';
import { listAll } from './listing.ts';
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

export interface SeenLease {
  readonly address: string;
  readonly lease: LeaseRecord;
  /** The limit that the lease counts, if it says so. */
  readonly inForce?: LimitRecord;
}

/** What a node holds: read after the tally, whose guard therefore vouches for it. */
export interface Holdings {
  readonly tally: TallyRecord;
  readonly tallyRevision: Revision;
  readonly leases: readonly SeenLease[];
  readonly limits: ReadonlyMap<string, LimitRecord>;
}

export interface LeaseView extends Holdings {
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
    readHeld(read, ask.node, signal),
  ]);
  const isReached = ({ record }: ReachedPool): boolean =>
    reachedBy(nodeEntry, record, ask.attributes);
  const reached = pools.filter(isReached);
  if (reached.length === 0 && ask.address === undefined)
    throw new NoPoolReached(ask.network, ask.node, named);
  const tallyRevision = tallyEntry?.revision ?? 0;
  return {
    ...held,
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

async function readHeld(
  read: Read,
  node: string,
  signal: AbortSignal,
): Promise<Pick<Holdings, 'leases' | 'limits'>> {
  const [leases, limits] = await Promise.all([
    listAll(read, prefixes.leasesOf(node), { signal }),
    listAll(read, prefixes.limitsOf(node), { signal }),
  ]);
  const held = leases.entries.flatMap((entry) => seenIn(entry) ?? []);
  return { leases: held, limits: limitsInForce(held, limits.entries, node) };
}

/** Every take looks at every lease of its node; an entry never changes. */
const known = new WeakMap<Entry, SeenLease>();

/** One that does not read is left out. */
function seenIn(entry: Entry): SeenLease | undefined {
  const before = known.get(entry);
  if (before) return before;
  const [lease] = records.lease.decodeAll([entry]).good;
  const place = holdingOf(prefixes.leases, entry.key);
  if (!lease || !place) return undefined;
  const { counted } = lease.record;
  const seen = {
    ...{ address: place.address, lease: lease.record },
    ...(counted && { inForce: { v: 1, ...counted } as const }),
  };
  known.set(entry, seen);
  return seen;
}

/** By address, as the leases count them: what people wrote to a limit's key may not even read. */
function limitsInForce(
  held: readonly SeenLease[],
  limits: readonly Entry[],
  node: string,
): ReadonlyMap<string, LimitRecord> {
  const inForce = new Map<string, LimitRecord>();
  for (const { address, inForce: counted } of held) {
    const entry = counted ?? limits.find(({ key }) => key === keys.limit(node, address));
    if (entry) inForce.set(address, 'key' in entry ? records.limit.decode(entry) : entry);
  }
  return inForce;
}

/** One spelling, so that one address is one key. @throws BadAddress */
export const spelled = (address: string): string => formatAddress(parseAddress(address));
