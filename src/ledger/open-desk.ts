import { Begging } from './begging.ts';
import { CachedStore } from './cache.ts';
import type { Adopted, Completed, Completion, Desk, DeskOptions, TakeAsk } from './desk.ts';
import { decideAdopt, decideComplete, decideUndo } from './desk-lease.ts';
import { DeskQueue } from './desk-queue.ts';
import type { Asked } from './desk-job.ts';
import { DeskReads } from './desk-reads.ts';
import { decideStock, decideUnstock } from './desk-stock.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import type { LeaseOptions } from './lease-options.ts';
import { spelled } from './lease-view.ts';
import type { AddressAsk, AddressGrant } from './leases.ts';
import { decideTake } from './leases.ts';
import type { PoolAddress } from './quarantine.ts';
import { decideQuarantine, decideUnquarantine } from './quarantine.ts';
import { records } from './records.ts';
import type { Released } from './release.ts';
import { decideRelease } from './release.ts';
import { decideServed, decideStarve } from './starvation.ts';
import type { Read, Store } from './store.ts';
import { EMPTY_TALLY } from './tally.ts';
import type { Decision } from './transact.ts';

/** A node's desk on a ledger. The store stays the caller's to close. */
export const openDesk = (store: Store, options: DeskOptions): Desk =>
  new LedgerDesk(store, options);

class LedgerDesk extends DeskReads implements Desk {
  readonly #options: DeskOptions;
  readonly #queue: DeskQueue;
  readonly #begging: Begging;
  readonly #homes = new Map<string, bigint>();
  /** The last ask under each name that is not settled: undoing an earlier one must not undo it. */
  readonly #lastAsk = new Map<string, TakeAsk>();

  constructor(store: Store, options: DeskOptions) {
    super(store, options);
    this.#options = options;
    this.#begging = new Begging(options, {
      starve: (pools, signal) => this.#starve(pools, signal),
      served: (pools, signal) => this.#served(pools, signal),
    });
    this.#queue = queueFor(store, options, (answered) => this.heard(answered));
  }

  take(ask: TakeAsk, signal: AbortSignal): Promise<AddressGrant> {
    return this.#begging.serve(() => this.#take(ask, signal), signal);
  }

  #take(ask: TakeAsk, signal: AbortSignal): Promise<AddressGrant> {
    const name = `${ask.network} ${ask.incarnation}`;
    let made = false;
    this.#lastAsk.set(name, ask);
    const asked: Asked<AddressGrant> = {
      decide: async (read) => {
        const decision = await decideTake(read, this.#asked(ask), this.#until(signal));
        made = decision.writes.length > 0 && decision.result.spare !== true;
        return decision;
      },
      undo: async (read) => {
        const stands = !made || this.#lastAsk.get(name) !== ask;
        return stands ? NOTHING : decideUndo(read, this.#asked(ask), this.#until(NEVER));
      },
      closed: () => {
        if (this.#lastAsk.get(name) === ask) this.#lastAsk.delete(name);
      },
    };
    return this.#queue.run(asked, signal);
  }

  release(address: string, incarnation: string, signal: AbortSignal): Promise<Released> {
    const { node } = this.#options;
    return this.#run(signal, (read, options) =>
      decideRelease(read, { node, address: spelled(address), incarnation }, options),
    );
  }

  complete(completion: Completion, signal: AbortSignal): Promise<Completed> {
    const { node } = this.#options;
    return this.#run(signal, (read, options) =>
      decideComplete(read, { ...completion, node }, options),
    );
  }

  adopt(ask: TakeAsk & { readonly address: string }, signal: AbortSignal): Promise<Adopted> {
    return this.#run(signal, (read, options) =>
      decideAdopt(read, { ...this.#asked(ask), address: ask.address }, options),
    );
  }

  quarantine(at: PoolAddress, why: string, signal: AbortSignal): Promise<void> {
    const { node } = this.#options;
    return this.#run(signal, (read, options) =>
      decideQuarantine(read, { ...at, why }, { ...options, node }),
    );
  }

  unquarantine(at: PoolAddress, signal: AbortSignal): Promise<void> {
    return this.#run(signal, (read, options) => decideUnquarantine(read, at, options));
  }

  stock(pool: string, count: number, signal: AbortSignal): Promise<readonly string[]> {
    const { node, attributes } = this.#options;
    let put: readonly string[] = [];
    const asked: Asked<readonly string[]> = {
      decide: async (read) => {
        const ask = { node, pool, count, ...(attributes && { attributes: attributes() }) };
        const decision = await decideStock(read, ask, this.#until(signal));
        put = decision.result;
        return decision;
      },
      undo: (read) => decideUnstock(read, { node, pool, addresses: put }, this.#until(NEVER)),
    };
    return this.#queue.run(asked, signal);
  }

  unstock(pool: string, addresses: readonly string[], signal: AbortSignal): Promise<void> {
    const { node } = this.#options;
    return this.#run(signal, (read, options) =>
      decideUnstock(read, { node, pool, addresses }, options),
    );
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  #starve(pools: readonly string[], signal: AbortSignal): Promise<void> {
    const { node, clock } = this.#options;
    const nowMs = clock.now();
    return this.#run(signal, (read) => decideStarve(read, { node, pools, nowMs }, signal));
  }

  #served(pools: readonly string[], signal: AbortSignal): Promise<void> {
    const { node } = this.#options;
    return this.#run(signal, (read) => decideServed(read, { node, pools }, signal));
  }

  #run<Result>(
    signal: AbortSignal,
    decide: (read: Read, options: LeaseOptions) => Promise<Decision<Result>>,
  ): Promise<Result> {
    return this.#queue.run({ decide: async (read) => decide(read, this.#until(signal)) }, signal);
  }

  #asked(ask: TakeAsk): AddressAsk {
    const { node, attributes } = this.#options;
    return { ...ask, node, ...(attributes && { attributes: attributes() }) };
  }

  #until(signal: AbortSignal): LeaseOptions {
    const { clock, coolDownMs, pressedCoolDownMs, restsHere = true } = this.#options;
    return {
      clock,
      signal,
      homes: this.#homes,
      restsHere,
      ...(coolDownMs !== undefined && { coolDownMs }),
      ...(pressedCoolDownMs !== undefined && { pressedCoolDownMs }),
    };
  }
}

/** An undoing has no deadline: it goes on until it is done. */
const NEVER = new AbortController().signal;
const NOTHING: Decision<undefined> = { result: undefined, guards: [], writes: [] };

/** What is withheld in a pool's blocks moves the pool, see core/reserve.ts. */
const blocksVouchedBy = (key: string): string | undefined =>
  key.startsWith(prefixes.pools) ? prefixes.blocksOf(nameIn(prefixes.pools, key)) : undefined;

function queueFor(
  store: Store,
  { node, clock, chance = chanceOf(node) }: DeskOptions,
  heard: (answered: boolean) => void,
): DeskQueue {
  const vouchedBy = keys.tally(node);
  const cache = new CachedStore(store, {
    listings: [
      { prefix: prefixes.leasesOf(node), vouchedBy },
      { prefix: prefixes.limitsOf(node), vouchedBy },
    ],
    vouches: blocksVouchedBy,
    isOthers: (key) => key.startsWith(prefixes.tallies) && key !== vouchedBy,
  });
  const fence = (read: Read) => rewriteTally(read, node);
  return new DeskQueue({ cache, clock, chance, fence, heard });
}

/** Numbers in [0, 1) that differ from node to node, which is all that rivals need. */
function chanceOf(node: string): () => number {
  let state = 0;
  for (const letter of node) state = (Math.imul(state, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Every commit of a desk is guarded by its node's tally. */
async function rewriteTally(read: Read, node: string): Promise<Decision<undefined>> {
  const key = keys.tally(node);
  const entry = await read.get(key, NEVER);
  const value = entry?.value ?? records.tally.encode(EMPTY_TALLY);
  const guards = [{ key, revision: entry?.revision ?? 0 }];
  return { result: undefined, guards, writes: [{ put: key, value }] };
}
