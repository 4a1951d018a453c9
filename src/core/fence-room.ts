import { bandwidthOf } from './demand.ts';
import {
  add,
  type Draws,
  type FencePicture,
  type Left,
  NO_LEFT,
  type StagedHere,
  type Staging,
  stagingOf,
} from './fence-staging.ts';
import type { NodeRoom } from './room.ts';

/** Addresses of one network within a node's reach. */
export interface AddressesLeft {
  /** There, whoever they are promised to; what is staged is taken off, and other nodes' stock. */
  readonly have: number;
  /** Of those, not promised to apps whose place is another node. */
  readonly room: number;
}

/** What a node has left for launches that nobody announced. */
export interface FenceRoom {
  readonly networks: ReadonlyMap<string, AddressesLeft>;
  /** The network with most room; absent where none is reached. */
  readonly network: string;
  readonly addresses: number;
  /** Room on the link, kbit/s, before promises and with what is staged taken off; may be negative. */
  readonly netInKbit: number;
  readonly netOutKbit: number;
}

type Lefts = ReadonlyMap<string, Left>;

/**
 * Every node that reaches a pool, with what launches that nobody announced would find there.
 *
 * Counted off: leases, quarantine, cooling addresses, other nodes' stock, what is staged, and what is
 * promised to apps whose place is another node. Not counted off is what is promised to the node itself:
 * a fence that did would keep out the very launches that the promise is for.
 */
export function fenceRooms(picture: FencePicture): Map<string, FenceRoom> {
  const staging = stagingOf(picture);
  const left = leftOf(picture, staging.draws);
  const reaches = new Map<readonly string[], Reach>();
  const rooms = new Map<string, FenceRoom>();
  for (const [name, node] of picture.nodes) {
    if (node.pools.length === 0) continue;
    const reach = reaches.get(node.pools) ?? reachOf(node.pools, picture, left);
    reaches.set(node.pools, reach);
    rooms.set(name, roomOf(node, { picture, staging, reach }));
  }
  return rooms;
}

/** What the nodes of one reach share; most have nothing of their own on top. */
interface Reach {
  readonly lefts: Lefts;
  readonly networks: ReadonlyMap<string, AddressesLeft>;
  readonly most: readonly [network: string, addresses: number];
}

function reachOf(pools: readonly string[], picture: FencePicture, left: Lefts): Reach {
  const lefts = new Map<string, { have: number; free: number }>();
  for (const pool of pools) {
    const network = picture.pools.get(pool)?.network;
    if (network === undefined) continue;
    const { have, free } = left.get(pool) ?? NO_LEFT;
    const sum = lefts.get(network) ?? { have: 0, free: 0 };
    lefts.set(network, { have: sum.have + have, free: sum.free + free });
  }
  const networks = new Map(
    [...lefts].map(([network, { have, free }]) => [network, { have, room: Math.min(have, free) }]),
  );
  return { lefts, networks, most: mostOf(networks) };
}

function mostOf(networks: ReadonlyMap<string, AddressesLeft>): [string, number] {
  let [best, most] = ['', -1];
  for (const [network, { room }] of networks) if (room > most) [best, most] = [network, room];
  return [best, Math.max(0, most)];
}

function leftOf({ pools }: FencePicture, { common }: Draws): Lefts {
  return new Map(
    [...pools].map(([name, pool]) => {
      const drawn = common.get(name) ?? NO_LEFT;
      const have = Math.max(0, pool.common - drawn.have);
      return [name, { have, free: Math.max(0, pool.common - pool.promised - drawn.free) }];
    }),
  );
}

interface Around {
  readonly picture: FencePicture;
  readonly staging: Staging;
  readonly reach: Reach;
}

const NOTHING: ReadonlyMap<string, number> = new Map();

function roomOf(node: NodeRoom, { picture, staging, reach }: Around): FenceRoom {
  const { name } = node;
  const spares = picture.sparesOf(name);
  const promised = picture.promisedOn(name);
  const here = staging.nodes.get(name);
  const link = linkOf(node, { promised, here, picture });
  if (spares.size === 0 && promised.size === 0) {
    const [network, addresses] = reach.most;
    return { networks: reach.networks, network, addresses, ...link };
  }
  const own = ownOf(spares, staging.draws.stock.get(name) ?? NOTHING, picture);
  const bound = boundOf(promised, here?.apps ?? NOTHING, picture);
  const networks = new Map(
    [...reach.lefts].map(([network, { have, free }]) => {
      const stock = own.get(network) ?? 0;
      const meant = free + stock + (bound.get(network) ?? 0);
      return [network, { have: have + stock, room: Math.min(have + stock, meant) }];
    }),
  );
  const [network, addresses] = mostOf(networks);
  return { networks, network, addresses, ...link };
}

/** Own stock by network, what is staged taken off. */
function ownOf(
  spares: ReadonlyMap<string, number>,
  taken: ReadonlyMap<string, number>,
  { pools }: FencePicture,
): Map<string, number> {
  const own = new Map<string, number>();
  for (const [pool, count] of spares) {
    const network = pools.get(pool)?.network;
    if (network !== undefined) add(own, network, count - (taken.get(pool) ?? 0));
  }
  return own;
}

/** Addresses by network that apps promised to this node have still to take here. */
function boundOf(
  promised: ReadonlyMap<string, number>,
  staged: ReadonlyMap<string, number>,
  { owedTo }: FencePicture,
): Map<string, number> {
  const bound = new Map<string, number>();
  for (const [app, count] of promised) {
    const still = Math.max(0, count - (staged.get(app) ?? 0));
    for (const { network } of owedTo(app)?.demand.addresses ?? []) add(bound, network, still);
  }
  return bound;
}

const NO_RATES = { inKbit: 0, outKbit: 0 };

/**
 * A node's room has every promise taken off; those made to itself come back, also to upgrades of what runs
 * there, and what is staged goes.
 */
function linkOf(
  node: NodeRoom,
  on: {
    readonly promised: ReadonlyMap<string, number>;
    readonly here: StagedHere | undefined;
    readonly picture: FencePicture;
  },
): Pick<FenceRoom, 'netInKbit' | 'netOutKbit'> {
  const { here = NO_RATES } = on;
  const growth = on.picture.growths.get(node.name) ?? NO_RATES;
  let netInKbit = node.netInKbit + growth.inKbit - here.inKbit;
  let netOutKbit = node.netOutKbit + growth.outKbit - here.outKbit;
  for (const [app, count] of on.promised) {
    const demand = on.picture.owedTo(app)?.demand;
    if (!demand) continue;
    const each = bandwidthOf(demand);
    netInKbit += count * each.inKbit;
    netOutKbit += count * each.outKbit;
  }
  return { netInKbit, netOutKbit };
}
