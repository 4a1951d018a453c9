import { inRange, parseAddress, parseRange } from '../core/address.ts';
import type { TakeAsk } from '../ledger/desk.ts';
import { AddressNotGiven } from '../ledger/lease-errors.ts';
import { type Loop, type LoopState, startLoop } from '../plumbing/loop.ts';
import type { Look } from './reconcile-hands.ts';
import { Claims } from './stock-claims.ts';
import { OwnerWriter, type RefusedOwner } from './stock-owner.ts';
import { Shelves, type StockDeps, Upkeep } from './stock-upkeep.ts';

/** An address out of stock. */
export interface HandedOut {
  readonly address: string;
  readonly pool: string;
  readonly prefix: number;
  readonly gateway?: string;
}

/** How often the pools are looked at when nothing happens, ms. */
const LOOP = { everyMs: 15_000, backoffMs: 200, backoffCapMs: 5_000, deadlineMs: 20_000 };

/**
 * Addresses that the ledger counts as this node's already, so that one can be handed out at memory
 * speed, and while the ledger is away. Its owner is written right after.
 *
 * What was in stock when the agent started may have been handed out by the one before, which then died:
 * it is given to nobody until `checked` says that what runs has been adopted.
 */
export class Stock {
  readonly #deps: StockDeps;
  readonly #shelves = new Shelves();
  readonly #claims = new Claims();
  readonly #owners: OwnerWriter;
  readonly #upkeep: Upkeep;
  readonly #loop: Loop;

  constructor(deps: StockDeps) {
    this.#deps = deps;
    this.#owners = new OwnerWriter(deps);
    this.#upkeep = new Upkeep(deps, this.#shelves, { owners: this.#owners, claims: this.#claims });
    this.#loop = startLoop('stock', (signal) => this.#upkeep.turn(signal), { ...LOOP, ...deps });
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
    const shelf = this.#shelves.of(pool);
    const idle = shelf.askedMs === undefined;
    shelf.askedMs = this.#deps.clock.now();
    if (idle) this.#loop.wake();
  }

  /** What runs on this node has been adopted, so what is in stock by now is nobody's. */
  checked(): void {
    if (this.#upkeep.checked()) this.#loop.wake();
  }

  /** Looks at once whether there is something to do. */
  wake(): void {
    this.#loop.wake();
  }

  /** A container runs on the address, so it is neither handed out nor given back. */
  runs(address: string): void {
    for (const shelf of this.#shelves.values()) shelf.runs(address);
  }

  /** Whatever ran and is not found any more has ended, perhaps before its adoption could be written. */
  looked(look: Look): void {
    for (const shelf of this.#shelves.values()) shelf.looked(look);
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

  /** While `work` gives the address by other ways, and once it has, it is not handed out of stock. */
  beside<T>(address: string, work: () => Promise<T>): Promise<T> {
    return this.#claims.during(address, async () => {
      const done = await work();
      this.forgo(address);
      return done;
    });
  }

  /** An address of the pool that is asked for, decided in memory; undefined when none is at hand. */
  pop(ask: TakeAsk): HandedOut | undefined {
    const { pool, within } = ask;
    if (pool === undefined || ask.address !== undefined) return undefined;
    this.use(pool);
    const shelf = this.#shelves.of(pool);
    const { facts } = shelf;
    if (!facts || facts.network !== ask.network) return undefined;
    const isFit = fits(within);
    const address = shelf.pop((one) => isFit(one) && !this.#claims.isOpen(one));
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
}

const fits = (within: TakeAsk['within']): ((address: string) => boolean) => {
  if (!within) return () => true;
  const range = parseRange(within);
  return (address) => inRange(range, parseAddress(address));
};
