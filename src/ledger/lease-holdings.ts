import type { LeaseRecord } from '../core/lease-record.ts';
import type { LimitRecord } from '../core/limit-record.ts';
import { followed, type Follower } from './followed.ts';
import { holdingOf, prefixes } from './keys.ts';
import { records } from './records.ts';
import type { Entry, Read } from './store.ts';

export interface SeenLease {
  readonly address: string;
  readonly lease: LeaseRecord;
  /** The limit that the lease counts, if it says so. */
  readonly inForce?: LimitRecord;
}

/** What a node holds, and how fast that may be. Read after the tally, whose guard vouches for it. */
export class Holdings {
  readonly #leases: SeenLeases;
  readonly #limits: SeenLimits;

  private constructor(leases: SeenLeases, limits: SeenLimits) {
    this.#leases = leases;
    this.#limits = limits;
  }

  static async of(read: Read, node: string, signal: AbortSignal): Promise<Holdings> {
    const ofLeases = { prefix: prefixes.leasesOf(node), make: () => new SeenLeases() };
    const ofLimits = { prefix: prefixes.limitsOf(node), make: () => new SeenLimits() };
    const [leases, limits] = await Promise.all([
      followed(read, ofLeases, signal),
      followed(read, ofLimits, signal),
    ]);
    return new Holdings(leases, limits);
  }

  all(): Iterable<SeenLease> {
    return this.#leases.byKey.values();
  }

  /** What a holder was given of a network. */
  of(network: string, incarnation: string): SeenLease | undefined {
    return this.#leases.byHolder.get(holder(network, incarnation));
  }

  /** As the lease counts it: what people wrote to the limit's key may not even read. @throws BadRecord */
  limitOf({ address, inForce }: SeenLease): LimitRecord | undefined {
    if (inForce) return inForce;
    const entry = this.#limits.byAddress.get(address);
    return entry && records.limit.decode(entry);
  }

  /** The lowest class minor of `first..last` that no limit in force has. @throws BadRecord */
  freeMinor(first: number, last: number): number | undefined {
    const { minors, uncounted } = this.#leases;
    const others = [...uncounted].map((seen) => this.limitOf(seen)?.classMinor);
    for (let minor = first; minor <= last; minor++)
      if (!minors.has(minor) && !others.includes(minor)) return minor;
    return undefined;
  }
}

const holder = (network: string, incarnation: string): string => `${network} ${incarnation}`;

/** One that does not read is left out. */
class SeenLeases implements Follower {
  readonly byKey = new Map<string, SeenLease>();
  readonly byHolder = new Map<string, SeenLease>();
  /** How many leases count each class minor. */
  readonly minors = new Map<number, number>();
  /** Leases that do not say what limit they count. */
  readonly uncounted = new Set<SeenLease>();

  put(entry: Entry): void {
    this.drop(entry.key);
    const seen = seenIn(entry);
    if (!seen) return;
    const { lease, inForce } = seen;
    this.byKey.set(entry.key, seen);
    this.byHolder.set(holder(lease.network, lease.incarnation), seen);
    if (inForce) this.#count(inForce, 1);
    else this.uncounted.add(seen);
  }

  drop(key: string): void {
    const seen = this.byKey.get(key);
    if (!seen) return;
    const { lease, inForce } = seen;
    const name = holder(lease.network, lease.incarnation);
    this.byKey.delete(key);
    if (this.byHolder.get(name) === seen) this.#forget(name, lease);
    this.uncounted.delete(seen);
    if (inForce) this.#count(inForce, -1);
  }

  /** Another lease of the same holder counts again. */
  #forget(name: string, { network, incarnation }: LeaseRecord): void {
    this.byHolder.delete(name);
    for (const other of this.byKey.values())
      if (other.lease.incarnation === incarnation && other.lease.network === network)
        this.byHolder.set(name, other);
  }

  #count({ classMinor }: LimitRecord, by: 1 | -1): void {
    const count = (this.minors.get(classMinor) ?? 0) + by;
    if (count > 0) this.minors.set(classMinor, count);
    else this.minors.delete(classMinor);
  }
}

class SeenLimits implements Follower {
  readonly byAddress = new Map<string, Entry>();

  put(entry: Entry): void {
    const place = holdingOf(prefixes.limits, entry.key);
    if (place) this.byAddress.set(place.address, entry);
  }

  drop(key: string): void {
    const place = holdingOf(prefixes.limits, key);
    if (place) this.byAddress.delete(place.address);
  }
}

/** Every commit begins with a look at every lease of its node; an entry never changes. */
const known = new WeakMap<Entry, SeenLease>();

function seenIn(entry: Entry): SeenLease | undefined {
  const before = known.get(entry);
  if (before) return before;
  const [lease] = records.lease.decodeAll([entry]).good;
  const place = holdingOf(prefixes.leases, entry.key);
  if (!lease || !place) return undefined;
  const { counted } = lease.record;
  const seen = {
    ...{ address: place.address, lease: lease.record },
    ...(counted && { inForce: { v: 1, ...counted } as const }),
  };
  known.set(entry, seen);
  return seen;
}
