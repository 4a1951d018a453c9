import { unlessAborted } from '../abort.ts';
import { MARKS } from './keys.ts';
import type { Lease, LeaseDeps } from './leases.ts';
import { openLease } from './leases.ts';

const SESSION_TTL_MS = 60_000;
/** Most commits of one client on their way at once; more wait. */
const MOST_SLOTS = 512;

/**
 * A place for the mark of one commit at a time. Every write of the mark is guarded by `last`, the
 * revision of the one before, so a stale try of an earlier commit can never take effect.
 */
export interface Slot {
  readonly lease: Lease;
  readonly key: string;
  /** Revision of the mark as we know it; '0' before the first. */
  last: string;
  /** Number of the operation that uses the slot, which is what its mark says. */
  sequence: number;
  /** True while a try may be under way that we have not heard the end of. */
  unsettled: boolean;
}

/** The slots of one client. They hang on its lease, so they vanish with it. */
export class Marks {
  readonly #deps: LeaseDeps;
  #session: Promise<Lease> | undefined;
  #free: Slot[] = [];
  #made = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #closing = new AbortController();

  constructor(deps: LeaseDeps) {
    this.#deps = deps;
  }

  /** A slot for one commit; give it back. @throws LedgerUnreachable */
  async take(signal: AbortSignal): Promise<Slot> {
    const lease = await this.#lease(signal);
    for (;;) {
      const slot = this.#free.pop() ?? this.#make(lease);
      if (slot?.lease === lease) {
        slot.sequence += 1;
        return slot;
      }
      if (slot === undefined) await this.#wait(signal);
    }
  }

  give(slot: Slot): void {
    if (!slot.lease.lost.aborted) this.#free.push(slot);
    this.#waiting.shift()?.();
  }

  /** Leaves the lease to etcd, where it ends: marks of commits on their way stay readable. */
  async close(): Promise<void> {
    this.#closing.abort();
    const lease = await this.#session?.catch(() => undefined);
    lease?.lose();
  }

  async #lease(signal: AbortSignal): Promise<Lease> {
    this.#session ??= this.#open();
    return unlessAborted(this.#session, signal);
  }

  /** One session for all callers, so it must not end with the signal of the first. */
  async #open(): Promise<Lease> {
    try {
      const lease = await openLease(this.#deps, SESSION_TTL_MS, this.#closing.signal);
      this.#free = [];
      this.#made = 0;
      lease.lost.addEventListener('abort', () => (this.#session = undefined), { once: true });
      return lease;
    } catch (fault) {
      this.#session = undefined;
      throw fault;
    }
  }

  #make(lease: Lease): Slot | undefined {
    if (this.#made >= MOST_SLOTS) return undefined;
    const key = `${MARKS}${lease.id}/${this.#made}`;
    this.#made += 1;
    return { lease, key, last: '0', sequence: 0, unsettled: false };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return unlessAborted(new Promise((resolve) => this.#waiting.push(resolve)), signal);
  }
}
