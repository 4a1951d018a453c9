import type { Address, Range } from './address.ts';
import {
  formatAddress,
  formatCidr,
  formatRange,
  inRange,
  parseAddress,
  rangeOfCidr,
  rangesOverlap,
  rangeSize,
  rangeWithin,
} from './address.ts';
import { Refusal } from './errors.ts';
import type { PoolSpace } from './pool.ts';
import { poolSpace } from './pool.ts';
import type { PoolRecord } from './topology-record.ts';
import type { Fault } from './topology-errors.ts';

type Pools = ReadonlyMap<string, PoolRecord>;
export type Spaces = ReadonlyMap<string, PoolSpace>;

/** What is wrong with pools, each alone and against each other, and the numbers of those readable. */
export function checkPools(pools: Pools): { faults: Fault[]; spaces: Spaces } {
  const faults: Fault[] = [];
  const spaces = new Map<string, PoolSpace>();
  for (const [name, pool] of pools) {
    const read = readSpace(name, pool);
    if ('says' in read) faults.push(read);
    else {
      spaces.set(name, read);
      faults.push(...poolFaults(name, pool, read));
    }
  }
  return { faults: [...faults, ...overlapFaults(spaces), ...gatewayFaults(pools, spaces)], spaces };
}

export const ofPool = (name: string, says: string, remedy: string): Fault => ({
  where: `pool "${name}"`,
  says,
  remedy,
});

function readSpace(name: string, pool: PoolRecord): PoolSpace | Fault {
  try {
    return poolSpace(pool);
  } catch (fault) {
    if (fault instanceof Refusal) return ofPool(name, fault.message, fault.remedy);
    throw fault;
  }
}

function poolFaults(name: string, pool: PoolRecord, space: PoolSpace): Fault[] {
  const whole = rangeOfCidr(space.cidr);
  const cidr = formatCidr(space.cidr);
  const faults: Fault[] = [];
  const fault = (says: string, remedy: string): number => faults.push(ofPool(name, says, remedy));
  if (space.cidr.family === 6 && space.cidr.prefix < 64)
    fault(`${cidr} is wider than one VLAN's /64`, 'give the /64 of the VLAN');
  for (const range of space.ranges)
    if (!rangeWithin(whole, range))
      fault(
        `range ${formatRange(range)} leaves ${cidr}`,
        `keep ranges within ${formatRange(whole)}`,
      );
  faults.push(...edgeFaults(name, space), ...gatewayFault(name, pool, space));
  for (const excluded of pool.exclude.map(parseAddress))
    if (!space.ranges.some((range) => inRange(range, excluded)))
      fault(`exclude ${formatAddress(excluded)} lies in no range`, 'drop it from exclude');
  if (space.size <= 0n) fault('it has 0 addresses to hand out', 'widen its ranges');
  return faults;
}

/** The first address of an IPv4 subnet names the subnet and the last is its broadcast (RFC 1122). */
function edgeFaults(name: string, { cidr, ranges }: PoolSpace): Fault[] {
  if (cidr.family === 6 || cidr.prefix > 30) return [];
  const { from, to } = rangeOfCidr(cidr);
  const edges = [
    { what: 'network address', value: from },
    { what: 'broadcast address', value: to },
  ];
  const inner = formatRange({ family: 4, from: from + 1n, to: to - 1n });
  return edges.flatMap(({ what, value }) =>
    ranges
      .filter((range) => inRange(range, { family: 4, value }))
      .map((range) =>
        ofPool(
          name,
          `range ${formatRange(range)} holds the ${what} ${formatAddress({ family: 4, value })}`,
          `keep ranges within ${inner}`,
        ),
      ),
  );
}

function gatewayFault(name: string, { gateway }: PoolRecord, { cidr }: PoolSpace): Fault[] {
  if (gateway === undefined) return [];
  const address = tryAddress(gateway);
  if (!address) return [ofPool(name, `gateway "${gateway}" is not an address`, 'correct it')];
  if (inRange(rangeOfCidr(cidr), address)) return [];
  const says = `gateway ${gateway} lies outside ${formatCidr(cidr)}`;
  return [ofPool(name, says, 'give a gateway on the same subnet')];
}

function tryAddress(text: string): Address | undefined {
  try {
    return parseAddress(text);
  } catch {
    return undefined;
  }
}

interface Owned {
  readonly pool: string;
  readonly range: Range;
}

const byStart = (a: Owned, b: Owned): number => {
  if (a.range.family !== b.range.family) return a.range.family - b.range.family;
  return a.range.from < b.range.from ? -1 : a.range.from > b.range.from ? 1 : 0;
};

const sortedRanges = (spaces: Spaces): Owned[] =>
  [...spaces]
    .flatMap(([pool, { ranges }]) => ranges.map((range) => ({ pool, range })))
    .sort(byStart);

/** One sweep: each range against the one so far that reaches furthest. */
function overlapFaults(spaces: Spaces): Fault[] {
  const faults: Fault[] = [];
  let furthest: Owned | undefined;
  for (const owned of sortedRanges(spaces)) {
    if (furthest && rangesOverlap(furthest.range, owned.range))
      faults.push(overlapFault(owned, furthest));
    const further = !furthest || byEnd(owned.range, furthest.range);
    if (further) furthest = owned;
  }
  return faults;
}

const byEnd = (a: Range, b: Range): boolean => a.family !== b.family || a.to > b.to;

function overlapFault(late: Owned, early: Owned): Fault {
  const to = late.range.to < early.range.to ? late.range.to : early.range.to;
  const count = rangeSize({ ...late.range, to });
  const other = late.pool === early.pool ? 'its own range' : `pool "${early.pool}" range`;
  return ofPool(
    late.pool,
    `range ${formatRange(late.range)} shares ${String(count)} addresses with ${other} ${formatRange(early.range)}`,
    'give every address to one range only',
  );
}

/** Nobody may hand out a gateway, be it of another pool. */
function gatewayFaults(pools: Pools, spaces: Spaces): Fault[] {
  const gateways = [...pools].flatMap(([pool, { gateway }]) => {
    const address = gateway === undefined ? undefined : tryAddress(gateway);
    return address ? [{ pool, address }] : [];
  });
  const keyed = new Map(gateways.map((one) => [formatAddress(one.address), one]));
  return [...keyed.values()].flatMap(({ pool, address }) =>
    [...spaces]
      .filter(([, { ranges }]) => ranges.some((range) => inRange(range, address)))
      .map(([name]) => {
        const whose = name === pool ? 'its own gateway' : `the gateway of pool "${pool}"`;
        const says = `its ranges hold ${formatAddress(address)}, ${whose}`;
        return ofPool(name, says, 'leave the gateway out of the ranges');
      }),
  );
}
