import { canonicalAddress, formatCidr, parseAddress, parseCidr, rangeOfCidr } from './address.ts';
import { formatAddress } from './address.ts';
import type { Cidr } from './address.ts';
import type {
  AddressRange,
  NetworkRecord,
  NodeRecord,
  NodeSelector,
  PoolRecord,
} from './topology-record.ts';
import type { Fault } from './topology-errors.ts';
import { refuseFaults } from './topology-errors.ts';
import { BadRate, parseRate } from './rate.ts';
import { Sheet } from './topology-sheet.ts';
import type { Topology } from './topology.ts';
import { wiringFaults } from './topology.ts';

/**
 * A topology as people write it, turned into records; the shape is in config/topology.example.yaml.
 * Unknown keys are faults, so that a typo cannot silently mean "default".
 *
 * @throws BadTopology naming every fault
 */
export function readTopology(raw: unknown): Topology {
  const faults: Fault[] = [];
  const sheet = new Sheet('topology', raw, faults).only('networks', 'pools', 'nodes');
  const topology: Topology = {
    networks: new Map(sheet.named('networks', 'network').map((one) => [one.name, networkOf(one)])),
    pools: new Map(sheet.named('pools', 'pool').map((one) => [one.name, poolOf(one)])),
    nodes: new Map(sheet.named('nodes', 'node').map((one) => [one.name, nodeOf(one)])),
  };
  refuseFaults(faults);
  refuseFaults(wiringFaults(topology));
  return topology;
}

/** One pool as people write it. @throws BadTopology */
export const readPool = (name: string, raw: unknown): PoolRecord => read('pool', name, raw, poolOf);

/** One node as people write it. @throws BadTopology */
export const readNode = (name: string, raw: unknown): NodeRecord => read('node', name, raw, nodeOf);

/** One network as people write it. @throws BadTopology */
export const readNetwork = (name: string, raw: unknown): NetworkRecord =>
  read('network', name, raw, networkOf);

function read<T>(kind: string, name: string, raw: unknown, of: (sheet: Sheet) => T): T {
  const faults: Fault[] = [];
  const record = of(new Sheet(`${kind} "${name}"`, raw, faults, name).nameChecked());
  refuseFaults(faults);
  return record;
}

const POOL_KEYS = ['cidr', 'ranges', 'exclude', 'gateway', 'vlan', 'nodes'] as const;
const MOST_VLAN = 4094;

function poolOf(sheet: Sheet): PoolRecord {
  sheet.only(...POOL_KEYS);
  sheet.need('cidr');
  const cidr = sheet.as('cidr', parseCidr);
  const gateway = sheet.as('gateway', canonicalAddress);
  const inTag = (tag: number): boolean => Number.isInteger(tag) && tag >= 1 && tag <= MOST_VLAN;
  const vlan = sheet.number('vlan', inTag, `a whole number in 1..${MOST_VLAN}`);
  const whole = cidr && !sheet.has('ranges') ? hostsOf(cidr, gateway) : [];
  return {
    v: 1,
    cidr: cidr ? formatCidr(cidr) : '',
    ranges: sheet.has('ranges') ? rangesOf(sheet) : whole,
    exclude: excludeOf(sheet),
    ...(gateway === undefined ? {} : { gateway }),
    ...(vlan === undefined ? {} : { vlan }),
    nodes: selectorOf(sheet.sub('nodes')),
  };
}

/** Everything a subnet can hand out, when nobody says which part: its hosts, less the gateway. */
function hostsOf(cidr: Cidr, gateway: string | undefined): AddressRange[] {
  const { family, from, to } = rangeOfCidr(cidr);
  const edged = family === 4 ? cidr.prefix <= 30 : cidr.prefix < 127;
  const first = edged ? from + 1n : from;
  const last = edged && family === 4 ? to - 1n : to;
  const out = gateway === undefined ? undefined : parseAddress(gateway).value;
  const cut: [bigint, bigint][] =
    out === undefined || out < first || out > last
      ? [[first, last]]
      : [
          [first, out - 1n],
          [out + 1n, last],
        ];
  const text = (value: bigint): string => formatAddress({ family, value });
  return cut.filter(([a, b]) => a <= b).map(([a, b]) => ({ from: text(a), to: text(b) }));
}

/** Each range is `from-to`, one address, or { from, to }. */
function rangesOf(sheet: Sheet): AddressRange[] {
  const ends = sheet.list('ranges').flatMap((item) => {
    const range = sheet.tried('ranges', () => rangeOf(item));
    if (range === null) sheet.fault(`ranges holds ${JSON.stringify(item)}`, 'write it as from-to');
    return range ?? [];
  });
  return ends.sort((a, b) => (parseAddress(a.from).value < parseAddress(b.from).value ? -1 : 1));
}

/** null when the item has none of the three shapes. @throws BadAddress */
function rangeOf(item: unknown): AddressRange | null {
  if (typeof item === 'string') {
    const [from = '', to = from, more] = item.split('-').map((end) => end.trim());
    return more === undefined ? { from: canonicalAddress(from), to: canonicalAddress(to) } : null;
  }
  const { from, to, ...more } = (item ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof from !== 'string' || typeof to !== 'string' || Object.keys(more).length > 0)
    return null;
  return { from: canonicalAddress(from), to: canonicalAddress(to) };
}

function excludeOf(sheet: Sheet): string[] {
  const addresses = sheet
    .texts('exclude')
    .flatMap((text) => sheet.tried('exclude', () => parseAddress(text)) ?? [])
    .sort((a, b) => (a.value < b.value ? -1 : 1));
  return [...new Set(addresses.map(formatAddress))];
}

function selectorOf(sheet: Sheet | undefined): NodeSelector {
  if (!sheet) return {};
  sheet.only('names', 'attributes');
  const names = [...new Set(sheet.texts('names'))].sort();
  const attributes = sheet.labels('attributes');
  return {
    ...(names.length === 0 ? {} : { names }),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
  };
}

const NODE_KEYS = ['link', 'linkIn', 'linkOut', 'overcommit', 'headroom', 'attributes'] as const;

function nodeOf(sheet: Sheet): NodeRecord {
  sheet.only(...NODE_KEYS);
  const [linkInKbit, linkOutKbit] = bothWays(sheet, 'link', undefined);
  const over = sheet.number('overcommit', (x) => x >= 1 && x <= 1000, 'a number in 1..1000');
  const share = sheet.number('headroom', (x) => x > 0 && x <= 1, 'a number over 0 and up to 1');
  return {
    v: 1,
    linkInKbit,
    linkOutKbit,
    overcommit: over ?? 1,
    headroom: share ?? DEFAULT_HEADROOM,
    attributes: sheet.labels('attributes'),
  };
}

/** Share of a link that containers get when nobody says: the rest is for the node itself. */
export const DEFAULT_HEADROOM = 0.95;
/** Limit of an address when neither its app nor its network states one, kbit/s. */
export const DEFAULT_LIMIT_KBIT = 1_000;

const NETWORK_KEYS = ['pools', 'attachment', 'default', 'defaultIn', 'defaultOut'] as const;

function networkOf(sheet: Sheet): NetworkRecord {
  sheet.only(...NETWORK_KEYS);
  const [defaultInKbit, defaultOutKbit] = bothWays(sheet, 'default', DEFAULT_LIMIT_KBIT);
  return {
    v: 1,
    pools: [...new Set(sheet.texts('pools'))],
    attachment: sheet.choice('attachment', ['bridge', 'routed']) ?? 'bridge',
    defaultInKbit,
    defaultOutKbit,
  };
}

/** `link: 1gbit` for both ways, or linkIn and linkOut. kbit/s; 0 stands where a fault was noted. */
function bothWays(sheet: Sheet, key: string, missing: number | undefined): [number, number] {
  const both = rateOf(sheet, key);
  const way = (one: string): number => {
    const rate = rateOf(sheet, one) ?? both ?? missing;
    if (rate === undefined && !sheet.has(one) && !sheet.has(key))
      sheet.fault(`${one} is missing`, `give ${key}: 1gbit, or ${key}In and ${key}Out`);
    return rate ?? 0;
  };
  return [way(`${key}In`), way(`${key}Out`)];
}

/** 100 Tbit/s: beyond any link, and sums over 10,000 nodes stay exact in a double. */
const MOST_KBIT = 100_000_000_000;

function rateOf(sheet: Sheet, key: string): number | undefined {
  const raw = sheet.raw(key);
  if (raw === undefined) return undefined;
  if (typeof raw === 'number' || typeof raw === 'string')
    return sheet.tried(key, () => linkRate(raw));
  sheet.fault(`${key} is not a rate`, `give ${key} as 1gbit`);
  return undefined;
}

function linkRate(raw: number | string): number {
  const kbit = parseRate(raw);
  if (kbit > MOST_KBIT) throw new BadRate(String(raw), `it is over ${MOST_KBIT} kbit/s`);
  return kbit;
}
