import { formatAddress } from './address.ts';
import type { NodeAddress } from './pool.ts';
import { isUsable, poolSpace } from './pool.ts';
import type { Spaces } from './pool-faults.ts';
import { checkPools, ofPool } from './pool-faults.ts';
import type { NetworkRecord, NodeRecord, PoolRecord } from './topology-record.ts';
import type { Fault } from './topology-errors.ts';

/** All that operators state about the cluster. */
export interface Topology {
  readonly networks: ReadonlyMap<string, NetworkRecord>;
  readonly pools: ReadonlyMap<string, PoolRecord>;
  readonly nodes: ReadonlyMap<string, NodeRecord>;
}

/** Pools and networks: the part of a topology whose pieces lean on each other. */
export type Wiring = Pick<Topology, 'networks' | 'pools'>;

export const EMPTY_TOPOLOGY: Topology = { networks: new Map(), pools: new Map(), nodes: new Map() };

/**
 * Everything that is wrong with networks and pools taken together: a pool that contradicts itself,
 * addresses given to two pools, gateways handed out, networks that name what is not there.
 */
export function wiringFaults({ networks, pools }: Wiring): Fault[] {
  const { faults, spaces } = checkPools(pools);
  const owners = new Map<string, string>();
  const ofNetworks = [...networks].flatMap(([name, { pools: named }]) => [
    ...membershipFaults({ name, named, pools }, owners),
    ...familyFaults(name, named, spaces),
  ]);
  return [...faults, ...ofNetworks];
}

const ofNetwork = (name: string, says: string, remedy: string): Fault => ({
  where: `network "${name}"`,
  says,
  remedy,
});

interface Membership {
  readonly name: string;
  readonly named: readonly string[];
  readonly pools: Topology['pools'];
}

/** `owners` gathers who has which pool over all networks. */
function membershipFaults(
  { name, named, pools }: Membership,
  owners: Map<string, string>,
): Fault[] {
  if (named.length === 0) return [ofNetwork(name, 'it has 0 pools', 'name at least one pool')];
  return named.flatMap((pool) => {
    const other = owners.get(pool);
    owners.set(pool, name);
    const missing = ofNetwork(
      name,
      `pool "${pool}" does not exist`,
      `add pool "${pool}" first, or take it out of the network`,
    );
    const twice = ofNetwork(
      name,
      `pool "${pool}" already belongs to network "${other ?? ''}"`,
      'give a pool to one network only',
    );
    return [...(pools.has(pool) ? [] : [missing]), ...(other === undefined ? [] : [twice])];
  });
}

/** One request is for one address; its family must not depend on which pool has room. */
function familyFaults(name: string, named: readonly string[], spaces: Spaces): Fault[] {
  const families = new Set(named.flatMap((pool) => spaces.get(pool)?.cidr.family ?? []));
  return families.size > 1
    ? [ofNetwork(name, 'its pools mix IPv4 and IPv6', 'make one network per family')]
    : [];
}

/** What nodes have of something that is to change, as the pools' blocks show it. */
export interface Used {
  readonly leases: readonly NodeAddress[];
  readonly spares: readonly NodeAddress[];
}

const FEW = 3;

/** `3 leases: 192.0.2.5 (node-1), 192.0.2.6 (node-2), 192.0.2.7 (node-1)`, cut after a few. */
export const leasesText = (leases: readonly NodeAddress[]): string =>
  `${leases.length} ${leases.length === 1 ? 'lease' : 'leases'}: ${leases
    .slice(0, FEW)
    .map(({ node, address }) => `${formatAddress(address)} (${node})`)
    .join(', ')}${leases.length > FEW ? ', …' : ''}`;

/** Nodes, and addresses of each, that a text names before it only counts. */
const MANY = 8;

/**
 * `3 spares: 2 of node-1 (192.0.2.5, 192.0.2.6), 1 of node-2 (192.0.2.9)`: nobody uses them, so the
 * nodes are named that have to give them back.
 */
export function sparesText(spares: readonly NodeAddress[]): string {
  const byNode = new Map<string, string[]>();
  for (const { node, address } of spares)
    byNode.set(node, [...(byNode.get(node) ?? []), formatAddress(address)]);
  const ofNode = ([node, all]: readonly [string, readonly string[]]): string =>
    `${all.length} of ${node} (${all.slice(0, MANY).join(', ')}${all.length > MANY ? ', …' : ''})`;
  const nodes = [...byNode].slice(0, MANY).map(ofNode);
  const more = byNode.size > MANY ? ` and more of ${byNode.size - MANY} other nodes` : '';
  return `${spares.length} ${spares.length === 1 ? 'spare' : 'spares'}: ${nodes.join(', ')}${more}`;
}

const GONE = 'for a node that is gone, corral node forget NODE';

/** What a changed pool would leave outside: it may not shrink below its leases, nor below stocks. */
export function shrinkFaults(name: string, next: PoolRecord, { leases, spares }: Used): Fault[] {
  const space = poolSpace(next);
  const isLost = ({ address }: NodeAddress): boolean => !isUsable(space, address);
  const [lost, left] = [leases.filter(isLost), spares.filter(isLost)];
  const end = `end these containers first (corral lease list --pool ${name}), or keep their addresses in the ranges`;
  const withhold = `withhold what is to leave (corral pool quarantine add ${name} FROM-TO --why TEXT); agents give such spares back within half a minute (${GONE})`;
  return [
    ...(lost.length === 0
      ? []
      : [ofPool(name, `the change would leave out ${leasesText(lost)}`, end)]),
    ...(left.length === 0
      ? []
      : [ofPool(name, `the change would leave out ${sparesText(left)}`, withhold)]),
  ];
}

/**
 * A pool that is to go, to be re-addressed or to leave its network, although nodes have addresses of it.
 */
export function poolUseFaults(where: string, pool: string, { leases, spares }: Used): Fault[] {
  const remedy = `let no node reach the pool (corral pool set ${pool} --node none); agents give its spares back within half a minute (${GONE})`;
  return [
    ...leaseFaults(where, leases),
    ...(spares.length === 0
      ? []
      : [{ where, says: `nodes keep of it ${sparesText(spares)}`, remedy }]),
  ];
}

/** A node that is to go, although it has addresses. */
export function nodeUseFaults(node: string, { leases, spares }: Used): Fault[] {
  const where = `node "${node}"`;
  const remedy = `stop its agent and give up what it has (corral node forget ${node} --yes)`;
  return [
    ...leaseFaults(where, leases),
    ...(spares.length === 0
      ? []
      : [{ where, says: `it still keeps ${sparesText(spares)}`, remedy }]),
  ];
}

const leaseFaults = (where: string, leases: readonly NodeAddress[]): Fault[] =>
  leases.length === 0
    ? []
    : [
        {
          where,
          says: `it still holds ${leasesText(leases)}`,
          remedy: 'end these containers first (see corral lease list)',
        },
      ];
