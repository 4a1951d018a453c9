import { isDeepStrictEqual } from 'node:util';
import type { CountedLimit } from '../core/lease-record.ts';
import type { Rates } from '../core/limit-edit.ts';
import { sameLimit } from '../core/limit-edit.ts';
import type { LeaseRecord } from '../core/lease-record.ts';
import type { LimitStatusRecord } from '../core/limit-record.ts';
import { holdingOf, prefixes } from '../ledger/keys.ts';
import type { LimitReport } from '../ledger/limit-report.ts';
import type { Codec } from '../ledger/records.ts';
import { records } from '../ledger/records.ts';
import type { Entry, KeyChange } from '../ledger/store.ts';

/** A limit that the shaper is to keep true, kbit/s. */
export interface WantedLimit {
  readonly address: string;
  /** Absent until Docker has told who it is, and for spares. */
  readonly container?: string;
  readonly netInKbit: number;
  readonly netOutKbit: number;
  /** Past the node's link, as somebody insisted. */
  readonly forced?: true;
  /** Minor of the tc class, unique on the node. */
  readonly classMinor: number;
  /** When Docker asked for the address of a container of which nobody has said yet that it started. */
  readonly pendingSinceMs?: number;
}

/** Told of addresses; of `undefined` when any may have changed. */
type Touched = (addresses: readonly string[] | undefined) => void;

/** What is under one prefix of the node, by address; undefined where something does not read. */
export class Side<Record> {
  readonly records = new Map<string, Record | undefined>();
  readonly #prefix: string;
  readonly #codec: Codec<Record>;
  readonly #touched: Touched;
  #known = false;

  constructor(prefix: string, codec: Codec<Record>, touched: Touched) {
    this.#prefix = prefix;
    this.#codec = codec;
    this.#touched = touched;
  }

  /** It was read at least once. */
  get known(): boolean {
    return this.#known;
  }

  reset(entries: readonly Entry[]): void {
    this.records.clear();
    for (const entry of entries) this.#set(entry.key, entry);
    this.#known = true;
    this.#touched(undefined);
  }

  change(changes: readonly KeyChange[]): void {
    this.#touched(changes.flatMap(({ key, entry }) => this.#set(key, entry) ?? []));
  }

  /** Keys that are none of ours are passed over. */
  #set(key: string, entry: Entry | undefined): string | undefined {
    const address = holdingOf(this.#prefix, key)?.address;
    if (address === undefined) return undefined;
    if (entry) this.records.set(address, this.#codec.decodeAll([entry]).good[0]?.record);
    else this.records.delete(address);
    return address;
  }
}

/** What is known of a node's limits: its leases, what stands under the limits' keys, and the statuses. */
export class LimitPicture {
  readonly leases = new Side(prefixes.leases, records.lease, (addresses) => this.#touch(addresses));
  readonly limits = new Side(prefixes.limits, records.limit, (addresses) => this.#touch(addresses));
  readonly statuses = new Side(prefixes.limitStatuses, records.limitStatus, () => undefined);
  readonly #dirty = new Set<string>();
  #wanted: readonly WantedLimit[] = [];

  /** In order of address; the same list until something in it changes. */
  wanted(): readonly WantedLimit[] {
    return this.#wanted;
  }

  /** Limits of containers that have started: what they ask for is known, and counted. */
  started(): readonly CountedLimit[] {
    return [...this.leases.records.values()].flatMap((lease) =>
      lease?.counted && lease.startedMs !== undefined ? [lease.counted] : [],
    );
  }

  /** How many addresses have a key that may say something else than what is in force. */
  get unsound(): number {
    return this.#dirty.size;
  }

  /** It counts as settled from now on; a write that comes meanwhile makes it unsound again. */
  takeUnsound(): string | undefined {
    for (const address of this.#dirty) {
      this.#dirty.delete(address);
      return address;
    }
    return undefined;
  }

  unsettled(address: string): void {
    this.#dirty.add(address);
  }

  /** Addresses with a status and without a lease. */
  orphans(): readonly string[] {
    if (!this.leases.known) return [];
    return [...this.statuses.records.keys()].filter((address) => !this.leases.records.has(address));
  }

  /** Whether the ledger does not say yet what the report says. */
  isNews({ address, fault, passing, ...rates }: LimitReport): boolean {
    const counted = this.leases.records.get(address)?.counted;
    if (!counted || !isAbout(rates, counted)) return false;
    const edit = this.limits.records.get(address)?.edit;
    const status = this.statuses.records.get(address);
    if (edit === undefined || edit === status?.edit) return differs(status, fault);
    return fault === undefined || passing !== true;
  }

  #touch(touched: readonly string[] | undefined): void {
    const addresses = touched ?? [...this.leases.records.keys(), ...this.limits.records.keys()];
    if (touched === undefined) this.#dirty.clear();
    if (this.leases.known && this.limits.known)
      for (const address of addresses)
        if (this.#isSound(address)) this.#dirty.delete(address);
        else this.#dirty.add(address);
    const wanted = this.#list();
    if (!isDeepStrictEqual(wanted, this.#wanted)) this.#wanted = wanted;
  }

  #isSound(address: string): boolean {
    if (!this.leases.records.has(address)) return !this.limits.records.has(address);
    const counted = this.leases.records.get(address)?.counted;
    const limit = this.limits.records.get(address);
    return counted !== undefined && limit !== undefined && sameLimit(counted, limit);
  }

  #list(): readonly WantedLimit[] {
    return [...this.leases.records].sort(byAddress).flatMap(([address, lease]): WantedLimit[] => {
      const { container, counted } = lease ?? {};
      if (counted === undefined) return [];
      const whose = container === undefined ? {} : { container };
      return [{ address, ...whose, ...counted, ...pendingOf(lease) }];
    });
  }
}

const pendingOf = (lease: LeaseRecord | undefined): Pick<WantedLimit, 'pendingSinceMs'> =>
  lease?.by === 'docker' && lease.startedMs === undefined ? { pendingSinceMs: lease.sinceMs } : {};

const byAddress = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) =>
  one < other ? -1 : 1;

const isAbout = (one: Rates, other: Rates): boolean =>
  one.netInKbit === other.netInKbit && one.netOutKbit === other.netOutKbit;

/** What was said of an edit stays said; a limit that nobody edited is told of while it fails. */
function differs(status: LimitStatusRecord | undefined, fault: string | undefined): boolean {
  if (fault !== undefined) return status?.state !== 'failed' || status.reason !== fault;
  return status?.state === 'failed' && status.edit === undefined;
}
