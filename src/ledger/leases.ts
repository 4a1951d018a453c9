import type { LeaseRecord } from '../core/lease-record.ts';
import type { LimitRecord } from '../core/limit-record.ts';
import { unreserved } from '../core/reserve.ts';
import { keys } from './keys.ts';
import { LedgerRebuilding, NoClassLeft } from './lease-errors.ts';
import { claim } from './lease-claim.ts';
import { addressOf, type Found, type Look, placeIn } from './lease-found.ts';
import { ownership } from './lease-ownership.ts';
import { search } from './lease-search.ts';
import { COOL_DOWN_MS, type LeaseOptions, PRESSED_COOL_DOWN_MS } from './lease-options.ts';
import type { Asking, LeaseView, ReachedPool } from './lease-view.ts';
import { spelled, viewFor } from './lease-view.ts';
import { records } from './records.ts';
import type { Read, Store } from './store.ts';
import { asCounted, tallied } from './tally.ts';
import type { Decision } from './transact.ts';
import { transact } from './transact.ts';

/** Who wants an address, where, and how fast it may be. */
export interface AddressAsk extends Asking {
  /** Names the one holder: asking again under it gives the same answer. */
  readonly incarnation: string;
  readonly by?: 'docker' | 'cni' | 'aux';
  /** Default: the network's. */
  readonly netInKbit?: number;
  readonly netOutKbit?: number;
  /** Canonical id. */
  readonly app?: string;
  readonly task?: string;
  readonly container?: string;
  readonly mac?: string;
  readonly bootId?: string;
  /** From this pool and no other. */
  readonly pool?: string;
  /** From this part of the pool and no other, both ends included. */
  readonly within?: { readonly from: string; readonly to: string };
}

export interface AddressGrant {
  readonly address: string;
  readonly pool: string;
  /** Prefix length of the subnet. */
  readonly prefix: number;
  readonly gateway?: string;
  readonly lease: LeaseRecord;
  readonly limit: LimitRecord;
  /** Nothing else was left: it was given before it had rested as long as is usual. */
  readonly pressed?: boolean;
  /** It came out of this node's stock. */
  readonly spare?: boolean;
}

const ATTEMPTS = 64;
/** Class minors below are the agent's own; above 0xfffe tc has none. */
const FIRST_MINOR = 0x100;
const LAST_MINOR = 0xfffe;

/**
 * Gives a container one address of a network, in one commit with its limit, its block and the node's
 * tally. Pools are filled by the network's policy; a node stays within blocks it already uses.
 *
 * @throws UnknownNode, UnknownNetwork, NoPoolReached, PoolNotReached, NoAddressLeft, AddressNotGiven,
 *         NoClassLeft, LedgerRebuilding, BadAddress, BadRange, BadRecord, LedgerBusy, LedgerUnreachable
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

/** What takeAddress commits. */
export async function decideTake(
  read: Read,
  ask: AddressAsk,
  options: LeaseOptions,
): Promise<Decision<AddressGrant>> {
  const view = await viewFor(read, ask, options.signal);
  const before = standing(view, ask);
  if (before) return { result: before, guards: view.guards, writes: [] };
  const look = lookOf(read, ask, options);
  const found = await foundFor(look, view, ask.address);
  const decision = granted(look, ask, { view, found });
  // What is in stock was given to this node before.
  if (found.spare === true) return decision;
  if (await read.get(keys.rebuilding, options.signal)) throw new LedgerRebuilding();
  return { ...decision, guards: [...decision.guards, { key: keys.rebuilding, revision: 0 }] };
}

async function foundFor(look: Look, view: LeaseView, address?: string): Promise<Found> {
  if (address !== undefined) return claim(look, view, spelled(address));
  const found = await search(look, view);
  look.homes?.set(found.pool.name, found.block.n);
  return found;
}

export const lookOf = (
  read: Read,
  { node, network, pool, within }: Pick<AddressAsk, 'node' | 'network' | 'pool' | 'within'>,
  options: LeaseOptions,
): Look => ({
  read,
  node,
  network,
  ...(pool === undefined ? {} : { pool }),
  ...(within === undefined ? {} : { within }),
  ...(options.homes === undefined ? {} : { homes: options.homes }),
  nowMs: options.clock.now(),
  restMs: {
    usual: options.coolDownMs ?? COOL_DOWN_MS,
    pressed: options.pressedCoolDownMs ?? PRESSED_COOL_DOWN_MS,
  },
  signal: options.signal,
});

/** What the same holder was given before. */
export function standing(
  view: LeaseView,
  { incarnation, network }: AddressAsk,
): AddressGrant | undefined {
  const mine = view.held.of(network, incarnation);
  const pools = [...view.pools, ...view.beyond];
  const pool = pools.find(({ name }) => name === mine?.lease.pool);
  const limit = mine && view.held.limitOf(mine);
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

/** The commit that makes the found address the asker's. @throws NoClassLeft */
export function granted(
  { nowMs }: Look,
  ask: AddressAsk,
  { view, found }: { readonly view: LeaseView; readonly found: Found },
): Decision<AddressGrant> {
  const { pool } = found;
  const { node } = ask;
  const address = addressOf(found);
  const limit: LimitRecord = {
    v: 1,
    netInKbit: ask.netInKbit ?? view.network.defaultInKbit,
    netOutKbit: ask.netOutKbit ?? view.network.defaultOutKbit,
    classMinor: freeMinor(node, view),
  };
  const lease: LeaseRecord = { ...leaseOf(ask, pool.name, nowMs), counted: asCounted(limit) };
  const tally = tallied(unreserved(view.tally, placeIn(found)), { lease, limit }, 1);
  const changed = ownership(found, { node, nowMs, tally: view.tally });
  return {
    result: {
      ...grantOf(pool, { address, lease, limit }),
      ...(found.pressed === true && { pressed: true }),
      ...(found.spare === true && { spare: true }),
    },
    guards: [...view.guards, ...changed.guards],
    writes: [
      ...changed.writes,
      records.lease.draft(keys.lease(node, address), lease),
      records.limit.draft(keys.limit(node, address), limit),
      records.tally.draft(keys.tally(node), tally),
    ],
  };
}

const WHO = ['app', 'task', 'container', 'mac', 'incarnation', 'by', 'bootId'] as const;

/** What is said, and no more. */
function whoOf(ask: AddressAsk): Partial<Pick<AddressAsk, (typeof WHO)[number]>> {
  const said: Partial<Record<(typeof WHO)[number], string>> = {};
  for (const key of WHO) if (ask[key] !== undefined) said[key] = ask[key];
  return said as Partial<Pick<AddressAsk, (typeof WHO)[number]>>;
}

export const leaseOf = (ask: AddressAsk, pool: string, nowMs: number): LeaseRecord => ({
  v: 1,
  pool,
  network: ask.network,
  incarnation: ask.incarnation,
  ...whoOf(ask),
  sinceMs: nowMs,
  ...askedOf(ask),
});

/** Remembered, so that an edited limit can be reset to it. */
const askedOf = ({ netInKbit, netOutKbit }: AddressAsk): Pick<LeaseRecord, 'asked'> => {
  const asked = {
    ...(netInKbit !== undefined && { netInKbit }),
    ...(netOutKbit !== undefined && { netOutKbit }),
  };
  return Object.keys(asked).length > 0 ? { asked } : {};
};

function freeMinor(node: string, { held }: LeaseView): number {
  const minor = held.freeMinor(FIRST_MINOR, LAST_MINOR);
  if (minor === undefined) throw new NoClassLeft(node, LAST_MINOR - FIRST_MINOR + 1);
  return minor;
}
