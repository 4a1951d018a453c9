import { inRange, parseAddress, parseRange } from '../core/address.ts';
import { Refusal } from '../core/errors.ts';
import { stockTarget } from '../core/stock.ts';
import type { Desk, TakeAsk } from '../ledger/desk.ts';
import { LedgerUnreachable } from '../ledger/errors.ts';
import { AddressNotGiven } from '../ledger/lease-errors.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { type Loop, type LoopState, startLoop } from '../plumbing/loop.ts';
import type { Probe } from './probe.ts';
import { Shelf } from './stock-shelf.ts';
import { OwnerWriter, type RefusedOwner } from './stock-owner.ts';

export interface StockDeps {
  readonly desk: Desk;
  readonly clock: Clock;
  readonly log: Log;
  /** Addresses of each pool in use to keep at hand; 0 keeps none. Default 2. */
  readonly spare?: number;
  /** Looks for squatters before an address enters the stock. */
  readonly probe?: Probe;
  /** Whether Docker still has an address that was handed out under an incarnation. */
  readonly holds: (address: string, incarnation: string) => boolean;
  /** Pools in which others find no address: what is kept of them is given back. Then `wake`. */
  readonly starved?: () => ReadonlySet<string>;
  /** Told when an address turns out to be used by somebody who does not ask. */
  readonly squatted?: (at: {
    readonly pool: string;
    readonly address: string;
    readonly mac: string;
  }) => void;
}

/** An address out of stock. */
export interface HandedOut {
  readonly address: string;
  readonly pool: string;
  readonly prefix: number;
  readonly gateway?: string;
}

const SPARE = 2;
/** How often the pools are looked at when nothing happens, ms. */
const LOOP = { everyMs: 15_000, backoffMs: 200, backoffCapMs: 5_000, deadlineMs: 20_000 };
/** A pool that nobody asked for this long, ms, and of which the node holds nothing, is not in use. */
const IDLE_MS = 3_600_000;
/** The ledger's word on how full a pool is, is believed so long, ms. */
const SURVEY_MS = 10_000;

/**
 * Addresses that the ledger counts as this node's already, so that one can be handed out at memory
 * speed, and while the ledger is away. Its owner is written right after.
 *
 * What was in stock when the agent started may have been handed out by the one before, which then died:
 * it is given to nobody until `checked` says that what runs has been adopted.
 *
 * Given back is, at the next look, what others starve for, what an operator withholds, and what is of a
 * pool that this node does not reach any more or that is in no network.
 */
export class Stock {
  readonly #deps: StockDeps;
  readonly #shelves = new Map<string, Shelf>();
  readonly #owners: OwnerWriter;
  readonly #loop: Loop;
  #comparedMs: number | undefined;
  /** What runs was adopted, and the stock looked at since. */
  #checked: 'no' | 'said' | 'done' = 'no';

  constructor(deps: StockDeps) {
    this.#deps = deps;
    this.#owners = new OwnerWriter(deps);
    this.#loop = startLoop('stock', (signal) => this.#turn(signal), { ...LOOP, ...deps });
  }

  /** What can be handed out now, by pool. */
  get ready(): ReadonlyMap<string, number> {
    return new Map([...this.#shelves].map(([pool, { ready }]) => [pool, ready.length]));
  }

  /** Handed out though the ledger refuses it, and in use: only people can put it right. */
  get conflicts(): readonly RefusedOwner[] {
    return this.#owners.refused;
  }

  state(): LoopState {
    return this.#loop.state();
  }

  /** Addresses of the pool may be asked for: keep some at hand. */
  use(pool: string): void {
    const shelf = this.#shelfOf(pool);
    const idle = shelf.askedMs === undefined;
    shelf.askedMs = this.#deps.clock.now();
    if (idle) this.#loop.wake();
  }

  /** What runs on this node has been adopted, so what is in stock by now is nobody's. */
  checked(): void {
    if (this.#checked !== 'no') return;
    this.#checked = 'said';
    this.#loop.wake();
  }

  /** Looks at once whether there is something to do. */
  wake(): void {
    this.#loop.wake();
  }

  /** A container runs on the address, so it is neither handed out nor given back. */
  runs(address: string): void {
    for (const shelf of this.#shelves.values()) shelf.runs(address);
  }

  /** The address has become a lease by other ways. */
  owned(address: string): void {
    this.#owners.settled(address);
  }

  /** The address is not to be handed out. */
  forgo(address: string): void {
    for (const shelf of this.#shelves.values()) shelf.withdraw(address);
  }

  /**
   * An address is about to be given by other ways than out of stock.
   *
   * @throws AddressNotGiven while it may be in use by what is not known to run, or is by what the ledger
   *         does not know
   */
  withdraw(address: string): void {
    const out = this.conflicts.find((one) => one.address === address);
    if (out) throw new AddressNotGiven(address, `it is in use without a lease: ${out.says}`);
    const found = [...this.#shelves.values()].map((shelf) => shelf.withdraw(address));
    if (found.includes('unchecked'))
      throw new AddressNotGiven(address, 'it may be in use: what runs here is not known yet');
  }

  /** An address of the pool that is asked for, decided in memory; undefined when none is at hand. */
  pop(ask: TakeAsk): HandedOut | undefined {
    const { pool, within } = ask;
    if (pool === undefined || ask.address !== undefined) return undefined;
    this.use(pool);
    const shelf = this.#shelfOf(pool);
    const { facts } = shelf;
    if (!facts || facts.network !== ask.network) return undefined;
    const address = shelf.pop(fits(within));
    if (address === undefined) return undefined;
    this.#owners.write({ ...ask, address });
    this.#loop.wake();
    const { prefix, gateway } = facts;
    return { address, pool, prefix, ...(gateway !== undefined && { gateway }) };
  }

  /** The same for those who wait for promises. */
  take(ask: TakeAsk): Promise<HandedOut | undefined> {
    return Promise.resolve(this.pop(ask));
  }

  /** Ends; the stock stays this node's. Owners that could not be written are left to the reconcile. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#owners.stop();
  }

  #shelfOf(pool: string): Shelf {
    const shelf = this.#shelves.get(pool) ?? new Shelf();
    this.#shelves.set(pool, shelf);
    return shelf;
  }

  async #turn(signal: AbortSignal): Promise<void> {
    await this.#compare(signal);
    const faults: unknown[] = [];
    for (const [pool, shelf] of this.#shelves)
      await this.#tend(pool, shelf, signal).catch((fault: unknown) => {
        if (!(fault instanceof Refusal) || fault instanceof LedgerUnreachable) throw fault;
        faults.push(fault); // one pool's trouble is not another's
      });
    if (faults.length > 0) throw faults[0];
  }

  /** What the ledger says is in stock against what is on the shelves. */
  async #compare(signal: AbortSignal): Promise<void> {
    const { desk, clock } = this.#deps;
    const atMs = clock.now();
    const said = this.#checked === 'said';
    const isFirst = this.#comparedMs === undefined;
    if (!said && !this.#isDue(atMs)) return;
    if (isFirst) await this.#begin(signal);
    this.#endRefused();
    const before = new Map([...this.#shelves].map(([pool, { ready }]) => [pool, [...ready]]));
    const isOut = (address: string): boolean => this.#owners.isOut(address);
    const spares = await desk.spares(signal);
    for (const { pool } of spares) this.#shelfOf(pool);
    for (const [pool, shelf] of this.#shelves) {
      const mine = spares.filter((spare) => spare.pool === pool);
      if (isFirst) shelf.found(mine);
      shelf.compare(mine, { before: before.get(pool) ?? [], isOut });
      if (said) shelf.checked(mine);
    }
    this.#comparedMs = atMs;
    if (said) this.#checked = 'done';
  }

  /** What nobody here has any more can be given back, if the ledger still counts it as ours. */
  #endRefused(): void {
    for (const address of this.#owners.ended())
      for (const shelf of this.#shelves.values()) shelf.runsNoMore(address);
  }

  #isDue(atMs: number): boolean {
    return this.#comparedMs === undefined || atMs - this.#comparedMs >= SURVEY_MS;
  }

  /** Pools of which the node holds addresses are in use. */
  async #begin(signal: AbortSignal): Promise<void> {
    const { desk, clock } = this.#deps;
    for (const { lease } of await desk.leases(signal))
      this.#shelfOf(lease.pool).askedMs ??= clock.now();
  }

  /** As many as the pool's state allows, no more. */
  async #tend(pool: string, shelf: Shelf, signal: AbortSignal): Promise<void> {
    const { desk, spare = SPARE } = this.#deps;
    await this.#survey(pool, shelf, signal);
    if (!shelf.facts && shelf.isBare) {
      this.#shelves.delete(pool);
      return;
    }
    const starving = this.#deps.starved?.().has(pool) === true;
    const target = stockTarget({
      ...shelf.survey,
      wanted: spare,
      used: shelf.facts !== undefined && this.#isUsed(shelf),
      starving,
    });
    const surplus = shelf.surplus(target);
    if (surplus.length > 0) {
      await desk.unstock(pool, surplus, signal);
      shelf.gaveBack(surplus);
    }
    const missing = target - shelf.count;
    if (missing > 0) await this.#add(pool, shelf, { count: missing, signal });
  }

  #isUsed({ askedMs }: Shelf): boolean {
    return askedMs !== undefined && this.#deps.clock.now() - askedMs < IDLE_MS;
  }

  async #survey(pool: string, shelf: Shelf, signal: AbortSignal): Promise<void> {
    const { desk, clock } = this.#deps;
    const atMs = clock.now();
    if (shelf.surveyedMs !== undefined && atMs - shelf.surveyedMs < SURVEY_MS) return;
    const named = await desk.poolNamed(pool, signal);
    if (named?.reached !== true) shelf.closed(atMs);
    else shelf.surveyed(named, { use: await desk.use(pool, signal), atMs });
  }

  async #add(
    pool: string,
    shelf: Shelf,
    { count, signal }: { readonly count: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const put = await this.#deps.desk.stock(pool, count, signal);
    const quiet = await Promise.all(put.map((one) => this.#isQuiet(pool, one, signal)));
    shelf.ready.push(...put.filter((_, at) => quiet[at]));
  }

  /** Nobody answers for the address; one who does is recorded, and the address withheld. */
  async #isQuiet(pool: string, address: string, signal: AbortSignal): Promise<boolean> {
    const { desk, probe, log, squatted } = this.#deps;
    const found = await probe?.(pool, address, signal);
    if (found?.is !== 'squatted') return true;
    const { mac } = found;
    log.warn('somebody uses an address that nobody was given', { pool, address, mac });
    squatted?.({ pool, address, mac });
    await desk.quarantine({ pool, address }, `in use by ${mac}`, signal);
    return false;
  }
}

const fits = (within: TakeAsk['within']): ((address: string) => boolean) => {
  if (!within) return () => true;
  const range = parseRange(within);
  return (address) => inRange(range, parseAddress(address));
};
