import type { Address } from './address.ts';
import { formatAddress } from './address.ts';
import { isUsable, poolSpace } from './pool.ts';
import type { Spaces } from './pool-faults.ts';
import { checkPools, ofPool } from './pool-faults.ts';
import type { NetworkRecord, NodeRecord, PoolRecord } from './records.ts';
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

/** An address that a node holds, as the pool's blocks show it. */
export interface Used {
  readonly node: string;
  readonly address: Address;
}

const FEW = 3;

/** `3 leases: 192.0.2.5 (node-1), 192.0.2.6 (node-2), 192.0.2.7 (node-1)`, cut after a few. */
export const usedText = (used: readonly Used[]): string =>
  `${used.length} ${used.length === 1 ? 'lease' : 'leases'}: ${used
    .slice(0, FEW)
    .map(({ node, address }) => `${formatAddress(address)} (${node})`)
    .join(', ')}${used.length > FEW ? ', …' : ''}`;

/** What a changed pool would leave outside: it may not shrink below its leases. */
export function shrinkFaults(name: string, next: PoolRecord, used: readonly Used[]): Fault[] {
  const space = poolSpace(next);
  const lost = used.filter(({ address }) => !isUsable(space, address));
  if (lost.length === 0) return [];
  const remedy = `end these containers first (corral lease list --pool ${name}), or keep their addresses in the ranges`;
  return [ofPool(name, `the change would leave out ${usedText(lost)}`, remedy)];
}

/** Something that is to go, or to be re-addressed, although it holds leases. */
export const inUseFaults = (where: string, used: readonly Used[]): Fault[] =>
  used.length === 0
    ? []
    : [
        {
          where,
          says: `it still holds ${usedText(used)}`,
          remedy: 'end these containers first (see corral lease list)',
        },
      ];
