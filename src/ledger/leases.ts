import { formatAddress, parseAddress } from '../core/address.ts';
import { EMPTY_BLOCK, holderOf, taken } from '../core/block.ts';
import { addressAt, isUsable, placeOf } from '../core/pool.ts';
import type { LeaseRecord, LimitRecord } from '../core/records.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { SeenBlock, Spot } from './blocks.ts';
import { fillOf, readBlock, readBlocks, spotForNewcomer, spotIn } from './blocks.ts';
import { keys } from './keys.ts';
import { AddressNotGiven, NoAddressLeft, NoClassLeft } from './lease-errors.ts';
import type { Asking, LeaseView, ReachedPool } from './lease-view.ts';
import { spelled, viewFor } from './lease-view.ts';
import { records } from './records.ts';
import type { Read, Store, Write } from './store.ts';
import { tallied } from './tally.ts';
import type { Decision } from './transact.ts';
import { transact } from './transact.ts';

/** Who wants an address, where, and how fast it may be. */
export interface AddressAsk extends Asking {
  /** Names the one holder: asking again under it gives the same answer. */
  readonly incarnation: string;
  readonly netInKbit: number;
  readonly netOutKbit: number;
  /** Canonical id. */
  readonly app?: string;
  readonly task?: string;
  readonly container?: string;
  readonly mac?: string;
  readonly bootId?: string;
  /** This address and no other; it may still be cooling. */
  readonly address?: string;
}

export interface AddressGrant {
  readonly address: string;
  readonly pool: string;
  /** Prefix length of the subnet. */
  readonly prefix: number;
  readonly gateway?: string;
  readonly lease: LeaseRecord;
  readonly limit: LimitRecord;
}

export interface LeaseOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long a released address rests, ms; default 60,000. */
  readonly coolDownMs?: number;
  /** Times a lost race is run again; default 64, for every node may fight over one small block. */
  readonly attempts?: number;
  readonly chance?: () => number;
}

const ATTEMPTS = 64;
/** Class minors below are the agent's own; above 0xfffe tc has none. */
const FIRST_MINOR = 0x100;
const LAST_MINOR = 0xfffe;

/**
 * Gives a container one address of a network, in one commit with its limit, its block and the node's
 * tally. Pools are filled in the network's order; a node stays within blocks it already uses.
 *
 * @throws UnknownNode, UnknownNetwork, NoPoolReached, NoAddressLeft, AddressNotGiven, NoClassLeft,
 *         BadAddress, BadRecord, LedgerBusy, LedgerUnreachable
 */
export function takeAddress(
  store: Store,
  ask: AddressAsk,
  options: LeaseOptions,
): Promise<AddressGrant> {
  return transact(store, (read) => decideTake(read, ask, options), {
    attempts: ATTEMPTS,
    ...options,
  });
}

async function decideTake(
  read: Read,
  ask: AddressAsk,
  options: LeaseOptions,
): Promise<Decision<AddressGrant>> {
  const view = await viewFor(read, ask, options.signal);
  const before = standing(view, ask);
  if (before) return { result: before, guards: [], writes: [] };
  const look = { read, ask, nowMs: options.clock.now(), signal: options.signal };
  const found =
    ask.address === undefined
      ? await search(look, view)
      : await claim(look, view, spelled(ask.address));
  return granted(look, view, found);
}

interface Look {
  readonly read: Read;
  readonly ask: AddressAsk;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

interface Found extends Spot {
  readonly pool: ReachedPool;
}

/** What the same holder was given before. */
function standing(view: LeaseView, { incarnation, network }: AddressAsk): AddressGrant | undefined {
  const mine = view.leases.find(
    ({ lease }) => lease.incarnation === incarnation && lease.network === network,
  );
  const pool = view.pools.find(({ name }) => name === mine?.lease.pool);
  const limit = view.limits.get(mine?.address ?? '');
  return mine && pool && limit ? grantOf(pool, { ...mine, limit }) : undefined;
}

const grantOf = (
  { name, record, space }: ReachedPool,
  { address, lease, limit }: { address: string; lease: LeaseRecord; limit: LimitRecord },
): AddressGrant => ({
  address,
  pool: name,
  prefix: space.cidr.prefix,
  ...(record.gateway === undefined ? {} : { gateway: record.gateway }),
  lease,
  limit,
});

async function search(look: Look, view: LeaseView): Promise<Found> {
  const { ask, nowMs } = look;
  const fills: ReturnType<typeof fillOf>[] = [];
  for (const pool of view.pools) {
    const near = await spotNearby(look, view, pool);
    if (near) return { ...near, pool };
    const blocks = await readBlocks(look.read, pool.name, look.signal);
    const spot = spotForNewcomer(pool.space, blocks, { node: ask.node, nowMs });
    if (spot) return { ...spot, pool };
    fills.push(fillOf(pool, blocks, nowMs));
  }
  const nextMs = Math.min(...fills.map((fill) => fill.nextMs));
  const retryInMs = Number.isFinite(nextMs) ? nextMs - nowMs : undefined;
  throw new NoAddressLeft(ask.network, ask.node, fills, retryInMs);
}

/** A spot in a block that the node already uses: the usual case, one read. */
async function spotNearby(
  { read, signal, nowMs }: Look,
  { leases }: LeaseView,
  { name, space }: ReachedPool,
): Promise<Spot | undefined> {
  const mine = leases.filter(({ lease }) => lease.pool === name);
  const own = new Set(mine.map(({ address }) => placeOf(space, parseAddress(address)).block));
  for (const n of own) {
    const spot = spotIn(space, await readBlock(read, { pool: name, n }, signal), nowMs);
    if (spot) return spot;
  }
  return undefined;
}

async function claim(look: Look, view: LeaseView, address: string): Promise<Found> {
  const wanted = parseAddress(address);
  const pool = view.pools.find(({ space }) => isUsable(space, wanted));
  if (!pool) {
    const names = view.pools.map(({ name }) => name).join(', ');
    throw new AddressNotGiven(
      address,
      `it is in no range of network "${look.ask.network}" that node "${look.ask.node}" reaches (${names})`,
    );
  }
  const { block: n, offset } = placeOf(pool.space, wanted);
  const block = await readBlock(look.read, { pool: pool.name, n }, look.signal);
  const why = obstacle(block, offset);
  if (why !== undefined) throw new AddressNotGiven(address, why);
  return { pool, block, offset };
}

function obstacle({ record }: SeenBlock, offset: number): string | undefined {
  const holder = holderOf(record, offset);
  if (holder !== undefined) return `node "${holder}" holds it`;
  const quarantine = Object.entries(record.quarantined).find(([o]) => Number(o) === offset);
  return quarantine ? `it is quarantined (${quarantine[1]})` : undefined;
}

/** The commit that makes the found address the asker's. */
function granted(look: Look, view: LeaseView, found: Found): Decision<AddressGrant> {
  const { ask, nowMs } = look;
  const { pool, block, offset } = found;
  const address = formatAddress(addressAt(pool.space, { block: block.n, offset }));
  const lease = leaseOf(ask, pool.name, nowMs);
  const limit: LimitRecord = {
    v: 1,
    netInKbit: ask.netInKbit,
    netOutKbit: ask.netOutKbit,
    classMinor: freeMinor(ask.node, view),
  };
  const blockKey = keys.block(pool.name, block.n);
  const alongside = (found.alongside ?? []).map((n) => keys.block(pool.name, n));
  const next = taken(block.record, { node: ask.node, offset, nowMs });
  return {
    result: grantOf(pool, { address, lease, limit }),
    guards: [
      ...view.guards,
      { key: keys.pool(pool.name), revision: pool.revision },
      { key: blockKey, revision: block.revision },
      ...alongside.map((key) => ({ key, revision: 0 })),
    ],
    writes: [
      { put: blockKey, value: records.block.encode(next) },
      { put: keys.lease(ask.node, address), value: records.lease.encode(lease) },
      { put: keys.limit(ask.node, address), value: records.limit.encode(limit) },
      {
        put: keys.tally(ask.node),
        value: records.tally.encode(tallied(view.tally, { lease, limit }, 1)),
      },
      ...alongside.map((key) => ({ put: key, value: records.block.encode(EMPTY_BLOCK) })),
      ...(block.revision === 0 ? [touch(pool)] : []),
    ],
  };
}

/**
 * A new block moves its pool's revision, so that whoever narrows or drops the pool, having seen only
 * the blocks that were there, loses.
 */
const touch = ({ name, record }: ReachedPool): Write => ({
  put: keys.pool(name),
  value: records.pool.encode(record),
});

const leaseOf = (ask: AddressAsk, pool: string, nowMs: number): LeaseRecord => ({
  v: 1,
  pool,
  network: ask.network,
  ...(ask.app === undefined ? {} : { app: ask.app }),
  ...(ask.task === undefined ? {} : { task: ask.task }),
  ...(ask.container === undefined ? {} : { container: ask.container }),
  ...(ask.mac === undefined ? {} : { mac: ask.mac }),
  incarnation: ask.incarnation,
  ...(ask.bootId === undefined ? {} : { bootId: ask.bootId }),
  sinceMs: nowMs,
});

function freeMinor(node: string, { limits }: LeaseView): number {
  const used = new Set([...limits.values()].map(({ classMinor }) => classMinor));
  for (let minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) if (!used.has(minor)) return minor;
  throw new NoClassLeft(node, LAST_MINOR - FIRST_MINOR + 1);
}
