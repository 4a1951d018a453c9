import { Refusal } from '../core/errors.ts';
import { stockTarget } from '../core/stock.ts';
import type { Desk } from '../ledger/desk.ts';
import { LedgerUnreachable } from '../ledger/errors.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { Probe } from './probe.ts';
import type { Claims } from './stock-claims.ts';
import type { OwnerWriter } from './stock-owner.ts';
import { Shelf } from './stock-shelf.ts';

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

const SPARE = 2;
/** A pool that nobody asked for this long, ms, and of which the node holds nothing, is not in use. */
const IDLE_MS = 3_600_000;
/** The ledger's word on how full a pool is, is believed so long, ms. */
const SURVEY_MS = 10_000;

/** The shelves of a node, by pool. */
export class Shelves extends Map<string, Shelf> {
  of(pool: string): Shelf {
    const shelf = this.get(pool) ?? new Shelf();
    this.set(pool, shelf);
    return shelf;
  }
}

/**
 * Keeps the shelves as full as each pool's state allows, and true to what the ledger counts as this node's.
 *
 * Given back is, at the next look, what others starve for, what an operator withholds, and what is of a
 * pool that this node does not reach any more or that is in no network.
 */
export class Upkeep {
  readonly #deps: StockDeps;
  readonly #shelves: Shelves;
  readonly #owners: OwnerWriter;
  readonly #claims: Claims;
  #comparedMs: number | undefined;
  /** What runs was adopted, and the stock looked at since. */
  #checked: 'no' | 'said' | 'done' = 'no';

  constructor(
    deps: StockDeps,
    shelves: Shelves,
    { owners, claims }: { readonly owners: OwnerWriter; readonly claims: Claims },
  ) {
    this.#deps = deps;
    this.#shelves = shelves;
    this.#owners = owners;
    this.#claims = claims;
  }

  /** What runs has been adopted. @returns whether that is news, so that a turn is due */
  checked(): boolean {
    if (this.#checked !== 'no') return false;
    this.#checked = 'said';
    return true;
  }

  /** One look at everything. One pool's trouble is not another's. */
  async turn(signal: AbortSignal): Promise<void> {
    await this.#compare(signal);
    const faults: unknown[] = [];
    for (const [pool, shelf] of this.#shelves)
      await this.#tend(pool, shelf, signal).catch((fault: unknown) => {
        if (!(fault instanceof Refusal) || fault instanceof LedgerUnreachable) throw fault;
        faults.push(fault);
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
    for (const { pool } of spares) this.#shelves.of(pool);
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
      this.#shelves.of(lease.pool).askedMs ??= clock.now();
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
    const adding = this.#claims.adding();
    try {
      const put = await this.#deps.desk.stock(pool, count, signal);
      const quiet = await Promise.all(put.map((one) => this.#isQuiet(pool, one, signal)));
      shelf.ready.push(...adding.good(put.filter((_, at) => quiet[at])));
    } finally {
      adding.end();
    }
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
