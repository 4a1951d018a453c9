import ipaddr from 'ipaddr.js';
import { BadAddress, BadCidr, BadRange } from './topology-errors.ts';

/**
 * Addresses as numbers: one arithmetic for both families, in bigint because IPv6 needs 128 bits.
 * Text is read strictly, so that an address has exactly one spelling in the ledger.
 */
export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A network address without host bits. */
export interface Cidr {
  readonly family: Family;
  readonly base: bigint;
  readonly prefix: number;
}

/** Inclusive on both ends. */
export interface Range {
  readonly family: Family;
  readonly from: bigint;
  readonly to: bigint;
}

export const widthOf = (family: Family): 32 | 128 => (family === 4 ? 32 : 128);

const QUAD = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
const LONGEST_TEXT = 45;

/**
 * Reads one address. IPv4 takes four decimal parts without leading zeros (some tools read those as
 * octal); IPv6 takes hexadecimal groups, no zone and no dotted tail.
 *
 * @throws BadAddress
 */
export function parseAddress(text: string): Address {
  if (text.length > LONGEST_TEXT) throw new BadAddress(`${text.slice(0, 45)}…`, 'it is too long');
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): Address {
  const parts = QUAD.exec(text);
  if (!parts) throw new BadAddress(text, 'it needs four decimal parts without leading zeros');
  let value = 0;
  for (let at = 1; at <= 4; at++) {
    const part = Number(parts[at]);
    if (part > 255) throw new BadAddress(text, `its part ${part} is over 255`);
    value = value * 256 + part;
  }
  return { family: 4, value: BigInt(value) };
}

function parseV6(text: string): Address {
  if (text.includes('%')) throw new BadAddress(text, 'a zone has no meaning here');
  if (text.includes('.')) throw new BadAddress(text, 'a dotted tail is not taken, write groups');
  if (!ipaddr.IPv6.isValid(text)) throw new BadAddress(text, 'it is no IPv6 address');
  const bytes: readonly number[] = ipaddr.IPv6.parse(text).toByteArray();
  return { family: 6, value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) };
}

/** The one spelling: dotted quad, or RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) {
    const quad = Number(value);
    return `${(quad >>> 24) & 255}.${(quad >>> 16) & 255}.${(quad >>> 8) & 255}.${quad & 255}`;
  }
  const bytes = Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(120 - 8 * i)) & 255n));
  return new ipaddr.IPv6(bytes).toRFC5952String();
}

/** The same address in its one spelling. @throws BadAddress */
export const canonicalAddress = (text: string): string => formatAddress(parseAddress(text));

/**
 * Reads `address/prefix`.
 *
 * @throws BadCidr, with the corrected network when bits are set behind the prefix; BadAddress
 */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf('/');
  if (slash < 0) throw new BadCidr(text.slice(0, 64), 'the prefix is missing');
  const { family, value } = parseAddress(text.slice(0, slash));
  const prefix = prefixOf(text, slash, family);
  const base = (value >> hostBits(family, prefix)) << hostBits(family, prefix);
  const cidr: Cidr = { family, base, prefix };
  if (base !== value) throw new BadCidr(text, 'bits are set behind the prefix', formatCidr(cidr));
  return cidr;
}

function prefixOf(text: string, slash: number, family: Family): number {
  const digits = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > widthOf(family))
    throw new BadCidr(text.slice(0, 64), `its prefix is not within 0..${widthOf(family)}`);
  return Number(digits);
}

const hostBits = (family: Family, prefix: number): bigint => BigInt(widthOf(family) - prefix);

export const formatCidr = ({ family, base, prefix }: Cidr): string =>
  `${formatAddress({ family, value: base })}/${prefix}`;

/** Every address of a network, its first and its last included. */
export const rangeOfCidr = ({ family, base, prefix }: Cidr): Range => ({
  family,
  from: base,
  to: base + (1n << hostBits(family, prefix)) - 1n,
});

/** @throws BadAddress, BadRange */
export function parseRange({ from, to }: { readonly from: string; readonly to: string }): Range {
  const low = parseAddress(from);
  const high = parseAddress(to);
  if (low.family !== high.family) throw new BadRange(from, to, 'its ends differ in family');
  if (low.value > high.value) throw new BadRange(from, to, 'it ends before it starts');
  return { family: low.family, from: low.value, to: high.value };
}

/** `192.0.2.5-192.0.2.9`, or the one address when both ends are the same. */
export function formatRange({ family, from, to }: Range): string {
  const first = formatAddress({ family, value: from });
  return from === to ? first : `${first}-${formatAddress({ family, value: to })}`;
}

export const rangeSize = ({ from, to }: Range): bigint => to - from + 1n;

export const inRange = (range: Range, { family, value }: Address): boolean =>
  range.family === family && range.from <= value && value <= range.to;

export const rangeWithin = (outer: Range, inner: Range): boolean =>
  outer.family === inner.family && outer.from <= inner.from && inner.to <= outer.to;

export const rangesOverlap = (a: Range, b: Range): boolean =>
  a.family === b.family && a.from <= b.to && b.from <= a.to;

/** Address number `n` of a range, counted from 0; undefined beyond its end. */
export const nthAddress = (range: Range, n: bigint): Address | undefined =>
  n < 0n || n >= rangeSize(range) ? undefined : { family: range.family, value: range.from + n };

/** Where an address stands in a range, counted from 0; undefined outside it. */
export const indexInRange = (range: Range, address: Address): bigint | undefined =>
  inRange(range, address) ? address.value - range.from : undefined;
