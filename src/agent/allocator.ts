import type { Desk, Door, NodeLease, TakeAsk } from '../ledger/desk.ts';
import { LedgerUnreachable } from '../ledger/errors.ts';
import { AddressNotGiven } from '../ledger/lease-errors.ts';
import type { AddressGrant } from '../ledger/leases.ts';
import type { Clock } from '../plumbing/clock.ts';
import { bySignal } from '../plumbing/deadline.ts';
import type { Log } from '../plumbing/log.ts';
import { NotDecided } from './errors.ts';
import { HeldAddresses, type Holding, type NamedHolding } from './held-addresses.ts';
import { incarnationOf, wasNamed } from './incarnation.ts';
import type { Look } from './reconcile-hands.ts';
import type { Journal } from './journal.ts';
import { LaunchRefusals } from './launch-refusals.ts';
import { type Probe, quarantineSquatted } from './probe.ts';
import { Repeats } from './repeats.ts';

/** What Docker asks for, and the nonce of the pool id by which it asks. */
export interface AllocationAsk {
  readonly network: string;
  readonly pool: string;
  readonly within?: { readonly from: string; readonly to: string };
  readonly address?: string;
  readonly by: Door;
  readonly nonce: string;
}

export interface Given {
  readonly address: string;
  /** Length of the subnet's prefix. */
  readonly prefix: number;
}

/** Addresses at hand, for which the ledger need not be asked first. */
export interface SpareStock {
  /** A spare that fits, decided in memory; its owner is written right after. */
  pop(ask: TakeAsk): Holdable | undefined;
  /** See Stock. */
  looked(look: Look): void;
}

interface Holdable extends Given {
  readonly pool: string;
}

export interface AllocatorDeps {
  readonly desk: Desk;
  readonly stock?: SpareStock;
  readonly journal: Journal;
  readonly node: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Must never repeat. */
  readonly newName: () => string;
  /** The agent before was killed, so that Docker may repeat what it asked that one. */
  readonly afterKill?: boolean;
  /** Whether somebody answers for an address that does not come out of stock: those were asked for. */
  readonly probe?: Probe;
}

/** Longest that a release waits for the ledger before it is journalled, ms. */
const RELEASE_WITHIN_MS = 1_500;

/**
 * Gives Docker addresses and takes them back. An address is handed out once, and only after the ledger
 * (or the stock, which the ledger counts as this node's) has given it. What the ledger gives after the
 * signal the desk gives back by itself.
 */
export class Allocator {
  readonly refusals: LaunchRefusals;
  readonly #deps: AllocatorDeps;
  readonly #held: HeldAddresses;
  /**
   * Given up while nobody knew by which name they are held, for the ledger was away since the start, with the
   * nonces of the pool ids by which they were.
   */
  readonly #nameless = new Map<string, Set<string>>();
  readonly #repeats: Repeats;

  constructor(deps: AllocatorDeps) {
    this.#deps = deps;
    this.#repeats = new Repeats(deps.clock, deps.afterKill);
    this.#held = new HeldAddresses({
      pending: () => deps.journal.pending(),
      inherited: ({ address, lease: { incarnation, sinceMs } }) => {
        if (wasNamed(incarnation)) this.#repeats.inherited(address, sinceMs);
      },
    });
    this.refusals = new LaunchRefusals(deps.clock);
  }

  /** What this node holds, as far as known. */
  get held(): ReadonlyMap<string, Holding> {
    return this.#held.all;
  }

  /** False until the leases of this node have been read once. */
  get known(): boolean {
    return this.#held.known;
  }

  /** Learns what the ledger says this node holds; a name known already stays. @throws as Desk.leases */
  async learn(signal: AbortSignal): Promise<void> {
    await this.learnFrom(() => this.#deps.desk.leases(signal));
    for (const [address, nonces] of this.#nameless) {
      this.#nameless.delete(address);
      for (const nonce of nonces) await this.takeBack(address, nonce);
    }
  }

  /** The same from leases that somebody else reads. @throws as `read` */
  learnFrom(read: () => Promise<readonly NodeLease[]>): Promise<readonly NodeLease[]> {
    return this.#held.learnFrom(read);
  }

  looked(look: Look): void {
    this.#deps.stock?.looked(look);
  }

  /** A lease that somebody else has just made for this node. */
  holds(address: string, holding: Holding): void {
    this.#held.hold(address, holding);
  }

  /** Whether this node holds the address, by this pool id or by one that is not known. */
  holdsBy(address: string, nonce: string): boolean {
    return this.#held.isHeldBy(address, nonce);
  }

  /**
   * An address from stock, else by one commit.
   *
   * @throws NotDecided when the ledger is away; what bars the node; as Desk.take; the signal's reason
   */
  async take(ask: AllocationAsk, signal: AbortSignal): Promise<Given> {
    const { stock, newName, bootId, node } = this.#deps;
    const { nonce, ...wanted } = ask;
    const incarnation = incarnationOf(nonce, newName(), ask.address !== undefined);
    const full: TakeAsk = { ...wanted, bootId, incarnation };
    try {
      this.refusals.check(ask);
      const spare = ask.address === undefined ? stock?.pop(full) : undefined;
      const grant = spare ?? (await this.#quiet(full, signal));
      this.#held.hold(grant.address, { incarnation: full.incarnation, pool: grant.pool });
      if (ask.address !== undefined) this.#repeats.named(grant.address);
      if (signal.aborted) void this.#releaseNow(grant.address); // nobody waits for it any more
      signal.throwIfAborted();
      return grant;
    } catch (fault) {
      this.refusals.tell(ask, fault);
      if (!(fault instanceof LedgerUnreachable)) throw fault;
      throw new NotDecided(ask.network, node, fault.message, { cause: fault });
    }
  }

  /** By one commit, and by further ones while somebody answers for what they give. */
  async #quiet(ask: TakeAsk, signal: AbortSignal): Promise<AddressGrant> {
    const { desk, probe } = this.#deps;
    for (;;) {
      const grant = await desk.take(ask, signal);
      if (!probe || ask.by !== 'docker') return grant;
      const { pool, address } = grant;
      this.#held.hold(address, { incarnation: ask.incarnation, pool });
      const probed = await probe(pool, address, signal).catch((fault: unknown) => {
        void this.#releaseNow(address); // nobody waits for it any more
        throw fault;
      });
      if (probed.is !== 'squatted') return grant;
      await this.#withhold({ pool, address, mac: probed.mac }, signal);
      if (ask.address !== undefined)
        throw new AddressNotGiven(address, `it is in use by ${probed.mac}`);
    }
  }

  async #withhold(
    at: { readonly pool: string; readonly address: string; readonly mac: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { desk, log } = this.#deps;
    log.warn('somebody uses an address that nobody was given', at);
    try {
      await quarantineSquatted(desk, at, signal);
      this.#held.end(at.address);
    } catch (fault) {
      void this.#releaseNow(at.address); // withheld or not, this node does not have it
      throw fault;
    }
  }

  /**
   * Takes an address back: the ledger is told, or the journal while it is away. Succeeds when this node
   * does not hold it, or holds it by another pool id. What may be the release of one who had it before, once
   * more, is left to the reconcile, which looks whether anybody has the address.
   */
  async release(address: string, nonce: string): Promise<void> {
    if (!this.#repeats.mayBe(address)) return this.takeBack(address, nonce);
    this.#deps.log.warn('a release may be an earlier one once more', { address });
  }

  /** Docker did not hear of the release, and will ask again. */
  releaseUnheard(address: string): void {
    this.#repeats.unheard(address);
  }

  /** The same, when it is this holding that ends. */
  async takeBack(address: string, nonce: string): Promise<void> {
    if (this.#held.isHeldBy(address, nonce)) await this.#releaseNow(address);
    else if (!this.#held.known && !this.#held.all.has(address))
      this.#nameless.set(address, (this.#nameless.get(address) ?? new Set<string>()).add(nonce));
  }

  #releaseNow(address: string): Promise<void> {
    return this.#held.giveUp(address, (name) => this.#told(name));
  }

  /** The ledger, or the journal while it is away. */
  async #told(name: NamedHolding): Promise<void> {
    const { address, incarnation } = name;
    const { desk, log } = this.#deps;
    if (desk.reachable())
      try {
        const signal = AbortSignal.timeout(RELEASE_WITHIN_MS);
        await bySignal(signal, (within) => desk.release(address, incarnation, within));
        return;
      } catch (fault) {
        log.warn('the ledger did not take a release', { address, fault: String(fault) });
      }
    await this.#journalled(name);
  }

  async #journalled({ address, incarnation, pool }: NamedHolding): Promise<void> {
    const { journal, clock, log } = this.#deps;
    await journal
      .add({ address, incarnation, pool, atMs: clock.now() })
      .catch((fault: unknown) =>
        log.error('a release could not be journalled', { address, fault: String(fault) }),
      ); // it is pending in memory; failing that, the reconcile finds it
  }
}
