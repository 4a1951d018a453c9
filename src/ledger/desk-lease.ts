import type { LeaseRecord } from '../core/lease-record.ts';
import type { Adopted, Completed, Completion } from './desk.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import type { LeaseOptions } from './lease-options.ts';
import { readHolding, revised } from './lease-revise.ts';
import { locate, userOf } from './lease-claim.ts';
import { spelled, viewFor } from './lease-view.ts';
import type { AddressAsk } from './leases.ts';
import { granted, lookOf } from './leases.ts';
import { listAll } from './listing.ts';
import { records } from './records.ts';
import type { Released } from './release.ts';
import { decideRelease } from './release.ts';
import type { Read } from './store.ts';
import type { Decision } from './transact.ts';

/** Writes into a lease what became known of its holder. */
export async function decideComplete(
  read: Read,
  completion: Completion & { readonly node: string },
  { signal }: LeaseOptions,
): Promise<Decision<Completed>> {
  const place = { node: completion.node, address: spelled(completion.address) };
  const holding = await readHolding(read, place, signal);
  const unchanged = (result: Completed): Decision<Completed> => ({
    result,
    guards: [{ key: keys.lease(place.node, place.address), revision: holding?.revision ?? 0 }],
    writes: [],
  });
  if (!holding) return unchanged('absent');
  if (holding.lease.incarnation !== completion.incarnation) return unchanged('other');
  const says = { ...holding.lease, ...known(completion) };
  const { guards, writes } = revised(holding, says, completion);
  return { result: 'done', guards, writes };
}

const KNOWN = ['app', 'task', 'container', 'mac', 'bootId', 'startedMs'] as const;

/** What an ask or a completion says of a holder. */
const known = (said: Partial<Pick<LeaseRecord, (typeof KNOWN)[number]>>): Partial<LeaseRecord> =>
  Object.fromEntries(KNOWN.flatMap((key) => (said[key] === undefined ? [] : [[key, said[key]]])));

/** A container runs on the address, so it is leased, whatever the ledger has forgotten of it. */
export async function decideAdopt(
  read: Read,
  ask: AddressAsk & { readonly address: string },
  options: LeaseOptions,
): Promise<Decision<Adopted>> {
  const address = spelled(ask.address);
  const holding = await readHolding(read, { node: ask.node, address }, options.signal);
  if (holding) {
    const says = inherited(holding.lease, ask, options.clock.now());
    const { lease, ...change } = revised(holding, says, ask);
    return { result: { adopted: true, lease }, ...change };
  }
  const view = await viewFor(read, ask, options.signal);
  const look = lookOf(read, ask, options);
  const found = await locate(look, view, address);
  const { revision, n } = found.block;
  const holder = userOf(ask.node, view, found);
  if (holder !== undefined && holder !== ask.node)
    return {
      result: { adopted: false, holder },
      guards: [
        { key: keys.block(found.pool.name, n), revision },
        { key: keys.tally(holder), revision: found.rival?.revision ?? 0 },
      ],
      writes: [],
    };
  const { result, ...change } = granted(look, ask, { view, found });
  return { result: { adopted: true, lease: result.lease }, ...change };
}

/** The same container goes on under the name that the lease has for it; another one takes it over. */
function inherited(lease: LeaseRecord, ask: AddressAsk, nowMs: number): LeaseRecord {
  const { container } = lease;
  const same = container === undefined || container === ask.container;
  if (same || ask.incarnation === lease.incarnation) return { ...lease, ...known(ask) };
  const { v, pool, network, counted } = lease;
  return {
    ...{ v, pool, network, ...known(ask), incarnation: ask.incarnation, sinceMs: nowMs },
    ...(ask.by && { by: ask.by }),
    ...(counted && { counted }),
  };
}

/** Gives back what was taken under an incarnation for one who did not wait for it. */
export async function decideUndo(
  read: Read,
  { node, network, incarnation }: Pick<AddressAsk, 'node' | 'network' | 'incarnation'>,
  options: LeaseOptions,
): Promise<Decision<Released>> {
  const tally = await read.get(keys.tally(node), options.signal);
  const { entries } = await listAll(read, prefixes.leasesOf(node), options);
  const { good } = records.lease.decodeAll(entries);
  const mine = good.find(
    ({ record }) => record.incarnation === incarnation && record.network === network,
  );
  if (!mine)
    return {
      result: { released: false, why: 'absent' },
      guards: [{ key: keys.tally(node), revision: tally?.revision ?? 0 }],
      writes: [],
    };
  const address = nameIn(prefixes.leasesOf(node), mine.key);
  return decideRelease(read, { node, address, incarnation }, options);
}
