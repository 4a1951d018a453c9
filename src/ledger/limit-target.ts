import { formatAddress, parseAddress } from '../core/address.ts';
import { holderOf } from '../core/block.ts';
import { isUsable, placeOf, poolSpace } from '../core/pool.ts';
import type { LeaseRecord } from '../core/lease-record.ts';
import { readBlock } from './blocks.ts';
import { holdingOf, keys, nameIn, prefixes } from './keys.ts';
import { spelled } from './lease-view.ts';
import type { Holding } from './limit-change.ts';
import { AmbiguousContainer, NoSuchHolding } from './limit-errors.ts';
import { listAll } from './listing.ts';
import { records } from './records.ts';
import type { Read } from './store.ts';

/** Whose limits are meant: an address, a container's id or its start, or all instances of an app. */
export type LimitTarget =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'container'; readonly id: string }
  | { readonly kind: 'app'; readonly app: string };

const CONTAINER = /^[0-9a-f]{6,64}$/;

/** What a person means: an address when it reads as one, an id when it is hex, else an app. */
export function targetOf(text: string): LimitTarget {
  if (isAddress(text)) return { kind: 'address', address: spelled(text) };
  if (CONTAINER.test(text)) return { kind: 'container', id: text };
  return { kind: 'app', app: text.startsWith('/') ? text : `/${text}` };
}

const isAddress = (text: string): boolean => {
  try {
    parseAddress(text);
    return true;
  } catch {
    return false;
  }
};

/**
 * The leases that a target means, in order of node and address.
 *
 * @throws NoSuchHolding, AmbiguousContainer, BadRecord
 */
export async function findHoldings(
  read: Read,
  target: LimitTarget,
  signal: AbortSignal,
): Promise<readonly Holding[]> {
  const found = await holdingsOf(read, target, signal);
  if (found.length === 0) throw new NoSuchHolding(wordsFor(target));
  const places = found.map(({ node, address }) => ({ node, address }));
  return places.sort((a, b) =>
    keys.lease(a.node, a.address) < keys.lease(b.node, b.address) ? -1 : 1,
  );
}

const wordsFor = (target: LimitTarget): string => {
  if (target.kind === 'address') return target.address;
  return target.kind === 'container' ? `container "${target.id}"` : `app "${target.app}"`;
};

function holdingsOf(
  read: Read,
  target: LimitTarget,
  signal: AbortSignal,
): Promise<readonly Holding[]> {
  switch (target.kind) {
    case 'address':
      return holderOfAddress(read, target.address, signal);
    case 'container':
      return ofContainer(read, target.id, signal);
    case 'app':
      return ofApp(read, target.app, signal);
  }
}

/** Its block says who has it: two reads, however many leases there are. */
async function holderOfAddress(
  read: Read,
  text: string,
  signal: AbortSignal,
): Promise<readonly Holding[]> {
  const address = parseAddress(text);
  const { entries } = await listAll(read, prefixes.pools, { signal });
  const found: Holding[] = [];
  for (const { key, record } of records.pool.decodeAll(entries).good) {
    const space = poolSpace(record);
    if (!isUsable(space, address)) continue;
    const place = placeOf(space, address);
    const pool = nameIn(prefixes.pools, key);
    const block = await readBlock(read, { pool, n: place.block }, signal);
    const node = holderOf(block.record, place.offset);
    if (node === undefined) continue;
    // a block says whose it is, and that one may have it in reserve
    const lease = await read.get(keys.lease(node, formatAddress(address)), signal);
    if (lease) found.push({ node, address: text });
  }
  return found;
}

interface SeenHolding extends Holding {
  readonly lease: LeaseRecord;
}

async function leasesUnder(
  read: Read,
  prefix: string,
  signal: AbortSignal,
): Promise<readonly SeenHolding[]> {
  const { entries } = await listAll(read, prefix, { signal });
  return records.lease.decodeAll(entries).good.flatMap(({ key, record }) => {
    const place = holdingOf(prefixes.leases, key);
    return place ? [{ ...place, lease: record }] : [];
  });
}

async function ofContainer(
  read: Read,
  id: string,
  signal: AbortSignal,
): Promise<readonly Holding[]> {
  const all = await leasesUnder(read, prefixes.leases, signal);
  const found = all.filter(({ lease }) => lease.container?.startsWith(id));
  const containers = [...new Set(found.map(({ lease }) => lease.container ?? ''))];
  if (containers.length > 1) throw new AmbiguousContainer(id, containers);
  return found;
}

/** The tallies say on which nodes an app has leases. */
async function ofApp(read: Read, app: string, signal: AbortSignal): Promise<readonly Holding[]> {
  const { entries } = await listAll(read, prefixes.tallies, { signal });
  const nodes = records.tally
    .decodeAll(entries)
    .good.filter(({ record }) => Object.hasOwn(record.apps, app))
    .map(({ key }) => nameIn(prefixes.tallies, key));
  const found: SeenHolding[] = [];
  for (const node of nodes)
    found.push(...(await leasesUnder(read, prefixes.leasesOf(node), signal)));
  return found.filter(({ lease }) => lease.app === app);
}
