import { formatCidr } from '../../core/address.ts';
import type { ReachedPool } from '../../ledger/lease-view.ts';
import type { EngineNetwork, EnginePool, NetworkSpec } from './engine-translate.ts';
import type { Engine } from './engine.ts';

/** How the Docker networks of a node are to be made. */
export interface NetworkChoices {
  readonly driver: 'bridge' | 'macvlan';
  /** Name of the IPAM driver. */
  readonly plugin: string;
  /** macvlan: the uplink; a pool with a VLAN gets `<parent>.<vlan>`, which Docker makes when missing. */
  readonly parent?: string;
  /** bridge: an interface of this name, which Docker uses when it is there and makes otherwise. */
  readonly bridge?: string;
  readonly mtu?: number;
}

/** One Docker network to be made, and of which pools. */
export interface PlannedNetwork {
  readonly spec: NetworkSpec;
  readonly pools: readonly string[];
}

export interface Planned {
  readonly networks: readonly PlannedNetwork[];
  /** Pools of which no Docker network can be made, and why. */
  readonly left: readonly { readonly pool: string; readonly why: string }[];
}

const LABELS = { network: 'corral.network', pools: 'corral.pools' };
const BRIDGE = 'com.docker.network.bridge';

/**
 * The Docker networks that stand for a Corral network on this node. A Docker bridge has one IPv4 subnet,
 * so each IPv4 pool gets a network of its own: the first the Corral network's name, by which apps
 * ask for it, each further one `<network>-<pool>`. An IPv6 pool joins the IPv4 pool of its VLAN, for
 * Docker makes no network of IPv6 alone.
 *
 * @param pools  that the node reaches, in the network's order
 */
export function planNetworks(
  network: string,
  pools: readonly ReachedPool[],
  choices: NetworkChoices,
): Planned {
  const family = (wanted: 4 | 6) => pools.filter(({ space }) => space.cidr.family === wanted);
  const [four, six] = [family(4), family(6)];
  const partner = (pool: ReachedPool): ReachedPool | undefined =>
    four.find(({ record }) => record.vlan === pool.record.vlan);
  const networks = four.map((pool, at) => {
    const joined = [pool, ...six.filter((other) => partner(other) === pool)];
    const name = at === 0 ? network : `${network}-${pool.name}`;
    return { spec: specOf({ network, name, pools: joined }, choices), pools: namesOf(joined) };
  });
  const left = six
    .filter((pool) => !partner(pool))
    .map(({ name }) => ({
      pool: name,
      why: 'docker needs an IPv4 pool of the same VLAN beside it',
    }));
  return { networks, left };
}

const namesOf = (pools: readonly ReachedPool[]): readonly string[] => pools.map(({ name }) => name);

interface Making {
  readonly network: string;
  readonly name: string;
  readonly pools: readonly ReachedPool[];
}

const specOf = ({ network, name, pools }: Making, choices: NetworkChoices): NetworkSpec => ({
  name,
  driver: choices.driver,
  ipam: { driver: choices.plugin, options: { network }, pools: pools.map(enginePoolOf) },
  ipv6: pools.some(({ space }) => space.cidr.family === 6),
  options: optionsOf(pools, choices),
  labels: { [LABELS.network]: network, [LABELS.pools]: namesOf(pools).join(',') },
});

const enginePoolOf = ({ record, space }: ReachedPool): EnginePool => ({
  subnet: formatCidr(space.cidr),
  ...(record.gateway !== undefined && { gateway: record.gateway }),
  aux: {},
});

function optionsOf(
  [first]: readonly ReachedPool[],
  choices: NetworkChoices,
): Readonly<Record<string, string>> {
  const { driver, mtu } = choices;
  return {
    ...(mtu !== undefined && { 'com.docker.network.driver.mtu': String(mtu) }),
    ...(driver === 'macvlan' ? uplinkOf(first, choices) : bridgeOf(first, choices)),
  };
}

function uplinkOf(
  pool: ReachedPool | undefined,
  { parent }: NetworkChoices,
): Readonly<Record<string, string>> {
  const vlan = pool?.record.vlan;
  const tagged = vlan === undefined || parent?.includes('.') ? '' : `.${vlan}`;
  return parent === undefined ? {} : { parent: `${parent}${tagged}` };
}

const bridgeOf = (
  pool: ReachedPool | undefined,
  { bridge }: NetworkChoices,
): Readonly<Record<string, string>> => ({
  [`${BRIDGE}.enable_ip_masquerade`]: 'false', // addresses are real: nothing is translated
  // the gateway is the VLAN's router: this bridge must not take its address
  ...(pool?.record.gateway !== undefined && { [`${BRIDGE}.inhibit_ipv4`]: 'true' }),
  ...(bridge !== undefined && { [`${BRIDGE}.name`]: bridge }),
});

/** How a Docker network differs from what is wanted, each in a sentence; labels do not count. */
export function differences(spec: NetworkSpec, seen: EngineNetwork): readonly string[] {
  const facts: readonly (readonly [string, string, string])[] = [
    ['driver', spec.driver, seen.driver],
    ['IPAM driver', spec.ipam.driver, seen.ipam.driver],
    ['IPv6', String(spec.ipv6), String(seen.ipv6)],
    ['IPAM options', pairs(spec.ipam.options), pairs(seen.ipam.options)],
    ['options', pairs(spec.options), pairs(seen.options)],
    ['subnets', spec.ipam.pools.map(poolText).join('; '), seen.ipam.pools.map(poolText).join('; ')],
  ];
  return facts
    .filter(([, wanted, is]) => wanted !== is)
    .map(([what, wanted, is]) => `${what}: ${is || 'none'} instead of ${wanted || 'none'}`);
}

const pairs = (texts: Readonly<Record<string, string>>): string =>
  Object.entries(texts)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(', ');

const poolText = ({ subnet, range, gateway, aux }: EnginePool): string =>
  [
    subnet,
    ...(range === undefined ? [] : [`range ${range}`]),
    ...(gateway === undefined ? [] : [`gateway ${gateway}`]),
    ...(Object.keys(aux).length === 0 ? [] : [`auxiliary ${pairs(aux)}`]),
  ].join(' ');

export type Made = { readonly name: string; readonly pools: readonly string[] } & (
  | { readonly did: 'created' | 'is there' | 'would be created' }
  | { readonly did: 'differs'; readonly differences: readonly string[] }
);

/**
 * Makes what is missing. What is there stays, even when it differs: containers hang on it.
 *
 * @throws as Engine
 */
export async function makeNetworks(
  engine: Pick<Engine, 'networks' | 'createNetwork'>,
  planned: readonly PlannedNetwork[],
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal: AbortSignal },
): Promise<readonly Made[]> {
  const there = new Map((await engine.networks(signal)).map((network) => [network.name, network]));
  const made: Made[] = [];
  for (const { spec, pools } of planned) {
    const seen = there.get(spec.name);
    const differing = seen ? differences(spec, seen) : [];
    const which = { name: spec.name, pools };
    if (differing.length > 0) made.push({ ...which, did: 'differs', differences: differing });
    else if (seen) made.push({ ...which, did: 'is there' });
    else if (dryRun) made.push({ ...which, did: 'would be created' });
    else {
      await engine.createNetwork(spec, signal);
      made.push({ ...which, did: 'created' });
    }
  }
  return made;
}
