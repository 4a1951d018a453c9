import { inRange, parseAddress, parseRange } from '../core/address.ts';
import { Refusal } from '../core/errors.ts';
import { stockTarget } from '../core/stock.ts';
import type { Desk, TakeAsk } from '../ledger/desk.ts';
import { LedgerUnreachable } from '../ledger/errors.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { type Loop, type LoopState, startLoop } from '../plumbing/loop.ts';
import type { Probe } from './probe.ts';
import { Shelf } from './stock-shelf.ts';
import { OwnerWriter } from './stock-owner.ts';

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
 */
export class Stock {
  readonly #deps: StockDeps;
  readonly #shelves = new Map<string, Shelf>();
  readonly #owners: OwnerWriter;
  readonly #loop: Loop;
  #starved: ReadonlySet<string> = new Set();
  #read = false;
  #checked = false;

  constructor(deps: StockDeps) {
    this.#deps = deps;
    this.#owners = new OwnerWriter(deps);
    this.#loop = startLoop('stock', (signal) => this.#turn(signal), { ...LOOP, ...deps });
  }

  /** What can be handed out now, by pool. */
  get ready(): ReadonlyMap<string, number> {
    return new Map([...this.#shelves].map(([pool, { ready }]) => [pool, ready.length]));
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
    if (this.#checked) return;
    this.#checked = true;
    this.#loop.wake();
  }

  /** Others find no address in these pools: what is kept of them is given back. */
  starved(pools: ReadonlySet<string>): void {
    this.#starved = pools;
    if ([...pools].some((pool) => this.#shelves.has(pool))) this.#loop.wake();
  }

  /** An address of the pool that is asked for, decided in memory; undefined when none is at hand. */
  pop(ask: TakeAsk): HandedOut | undefined {
    if (ask.pool === undefined || ask.address !== undefined) return undefined;
    this.use(ask.pool);
    const shelf = this.#shelfOf(ask.pool);
    const { facts } = shelf;
    const address = facts && shelf.pop(fits(ask.within));
    if (address === undefined) return undefined;
    this.#owners.write({ ...ask, address });
    this.#loop.wake();
    return { address, pool: ask.pool, ...facts };
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
    if (!this.#read)
      for (const { lease } of await desk.leases(signal))
        this.#shelfOf(lease.pool).askedMs ??= clock.now();
    const first = !this.#read;
    const before = new Map([...this.#shelves].map(([pool, { ready }]) => [pool, [...ready]]));
    const spares = await desk.spares(signal);
    for (const { pool } of spares) this.#shelfOf(pool);
    for (const [pool, shelf] of this.#shelves) {
      const mine = spares.filter((spare) => spare.pool === pool);
      const isPending = (address: string): boolean => this.#owners.isPending(address);
      shelf.compare(mine, { before: before.get(pool) ?? [], isPending });
      if (first) shelf.unchecked = mine.map(({ address }) => address);
      if (this.#checked) shelf.release(mine, isPending);
    }
    this.#read = true;
  }

  /** As many as the pool's state allows, no more. */
  async #tend(pool: string, shelf: Shelf, signal: AbortSignal): Promise<void> {
    const { desk, spare = SPARE } = this.#deps;
    await this.#survey(pool, shelf, signal);
    const starving = this.#starved.has(pool);
    const target = stockTarget({
      ...shelf.survey,
      wanted: spare,
      used: this.#isUsed(shelf),
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
    const [named, use] = await Promise.all([desk.poolNamed(pool, signal), desk.use(pool, signal)]);
    shelf.surveyed(named, { use, atMs });
  }

  async #add(
    pool: string,
    shelf: Shelf,
    { count, signal }: { readonly count: number; readonly signal: AbortSignal },
  ): Promise<void> {
    for (const address of await this.#deps.desk.stock(pool, count, signal))
      if (await this.#isQuiet(pool, address, signal)) shelf.ready.push(address);
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
