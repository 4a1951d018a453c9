import {
  type Cidr,
  formatAddress,
  formatCidr,
  formatRange,
  inRange,
  parseAddress,
  parseCidr,
  type Range,
  rangeOfCidr,
  rangeWithin,
} from '../../core/address.ts';
import { narrowed } from '../../core/pool.ts';
import type { ReachedPool } from '../../ledger/lease-view.ts';
import {
  NetworkNotNamed,
  NotInSubnet,
  RangeNotOurs,
  SubnetMissing,
  SubnetNotOurs,
} from '../errors.ts';
import type { PoolId } from './pool-id.ts';
import type { PoolCall } from './protocol.ts';

/** Options of a network's IPAM that Docker itself may add. */
const DOCKERS_OWN = 'com.docker.';

/** The network or pool that a Docker network names by its options. */
export interface Named {
  readonly network?: string;
  readonly pool?: string;
}

/** What the options of an IPAM say. @throws NetworkNotNamed */
export function namedIn(options: Readonly<Record<string, string>>): Named {
  const { network, pool, ...others } = options;
  const odd = Object.keys(others).filter((name) => !name.startsWith(DOCKERS_OWN));
  if (odd.length > 0) throw new NetworkNotNamed(`it has no option "${odd.join('", "')}"`);
  if (!network && !pool) throw new NetworkNotNamed('it has neither network= nor pool=');
  return { ...(network && { network }), ...(pool && { pool }) };
}

/** The pool with the subnet that Docker asks for. @throws SubnetMissing, SubnetNotOurs, BadCidr, BadAddress */
export function poolFor(
  { Pool, V6 }: PoolCall,
  { network, pools }: { network: string; pools: readonly ReachedPool[] },
): ReachedPool {
  const subnets = pools.map(({ space }) => formatCidr(space.cidr));
  // answering with a subnet of our own choice makes Docker ask for ever when it has that one already
  if (Pool === '') throw new SubnetMissing(network, subnets);
  const wanted = parseCidr(Pool);
  const found = pools.find(({ space }) => isSame(space.cidr, wanted));
  if (!found || (wanted.family === 6) !== V6) throw new SubnetNotOurs(Pool, network, subnets);
  return found;
}

const isSame = (a: Cidr, b: Cidr): boolean =>
  a.family === b.family && a.base === b.base && a.prefix === b.prefix;

/** The part of the pool that `--ip-range` asks for. @throws RangeNotOurs, BadCidr, BadAddress */
export function withinOf(subPool: string, { name, space }: ReachedPool): PoolId['within'] {
  if (subPool === '') return undefined;
  const range: Range = rangeOfCidr(parseCidr(subPool));
  const inside = rangeWithin(rangeOfCidr(space.cidr), range);
  if (!inside || narrowed(space, range).size === 0n)
    throw new RangeNotOurs(subPool, name, space.ranges.map(formatRange));
  const at = (value: bigint): string => formatAddress({ family: range.family, value });
  return { from: at(range.from), to: at(range.to) };
}

/** An address of the subnet, as it is written in the ledger. @throws NotInSubnet, BadAddress */
export function canonicalIn({ cidr }: PoolId, text: string): string {
  const address = parseAddress(text);
  if (!inRange(rangeOfCidr(cidr), address)) throw new NotInSubnet(text, formatCidr(cidr));
  return formatAddress(address);
}
