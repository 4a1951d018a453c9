import { poolSpace } from '../core/pool.ts';
import { fillOf, readWholeBlocks } from './blocks.ts';
import type { Desk, DeskOptions, NodeLease, PoolUse } from './desk.ts';
import { readSpares } from './desk-stock.ts';
import { LedgerUnreachable } from './errors.ts';
import { keys, nameIn, prefixes } from './keys.ts';
import { UnknownPool } from './lease-errors.ts';
import { poolsFor } from './lease-search.ts';
import { reachedBy, viewFor } from './lease-view.ts';
import { lookOf } from './leases.ts';
import { listAll } from './listing.ts';
import { networkOf } from './pool-network.ts';
import { records } from './records.ts';
import { starvedOf } from './starvation.ts';
import type { Read, Store } from './store.ts';

/** What a desk reads, read anew each time. */
export class DeskReads implements Pick<
  Desk,
  'spares' | 'leases' | 'pools' | 'poolNamed' | 'networks' | 'use' | 'starvation' | 'reachable'
> {
  readonly #read: Read;
  readonly #options: DeskOptions;
  #answered = true;

  constructor(store: Store, options: DeskOptions) {
    this.#read = store;
    this.#options = options;
  }

  spares(signal: AbortSignal): ReturnType<Desk['spares']> {
    return this.#noting(readSpares(this.#read, this.#options.node, signal));
  }

  leases(signal: AbortSignal): ReturnType<Desk['leases']> {
    return this.#noting(leasesOf(this.#read, this.#options.node, signal));
  }

  pools(network: string, signal: AbortSignal): ReturnType<Desk['pools']> {
    const { node, clock, attributes } = this.#options;
    const asking = { node, network, ...(attributes && { attributes: attributes() }) };
    const ordered = async (): ReturnType<Desk['pools']> =>
      poolsFor(
        lookOf(this.#read, asking, { clock, signal }),
        await viewFor(this.#read, asking, signal),
      );
    return this.#noting(ordered());
  }

  poolNamed(pool: string, signal: AbortSignal): ReturnType<Desk['poolNamed']> {
    const { node, attributes } = this.#options;
    const named = async (): ReturnType<Desk['poolNamed']> => {
      const [network, entry, nodeEntry] = await Promise.all([
        networkOf(this.#read, pool, signal),
        this.#read.get(keys.pool(pool), signal),
        this.#read.get(keys.node(node), signal),
      ]);
      if (network === undefined || !entry) return undefined;
      const record = records.pool.decode(entry);
      const { revision } = entry;
      const reached = nodeEntry !== undefined && reachedBy(nodeEntry, record, attributes?.());
      return { name: pool, record, space: poolSpace(record), revision, network, reached };
    };
    return this.#noting(named());
  }

  use(pool: string, signal: AbortSignal): ReturnType<Desk['use']> {
    return this.#noting(useOf(this.#read, pool, { nowMs: this.#options.clock.now(), signal }));
  }

  starvation(signal: AbortSignal): ReturnType<Desk['starvation']> {
    const { node, clock } = this.#options;
    const starved = listAll(this.#read, prefixes.starving, { signal }).then(({ entries }) =>
      starvedOf(entries, node, clock.now()),
    );
    return this.#noting(starved);
  }

  networks(signal: AbortSignal): ReturnType<Desk['networks']> {
    const names = listAll(this.#read, prefixes.networks, { signal }).then(({ entries }) =>
      entries.map(({ key }) => nameIn(prefixes.networks, key)).sort(),
    );
    return this.#noting(names);
  }

  /** False while the last thing that was tried got no answer. */
  reachable(): boolean {
    return this.#answered;
  }

  protected heard(answered: boolean): void {
    this.#answered = answered;
  }

  async #noting<Result>(reading: Promise<Result>): Promise<Result> {
    try {
      const result = await reading;
      this.heard(true);
      return result;
    } catch (fault) {
      if (fault instanceof LedgerUnreachable) this.heard(false);
      throw fault;
    }
  }
}

async function useOf(
  read: Read,
  name: string,
  { nowMs, signal }: { nowMs: number; signal: AbortSignal },
): Promise<PoolUse> {
  const entry = await read.get(keys.pool(name), signal);
  if (!entry) throw new UnknownPool(name);
  const blocks = await readWholeBlocks(read, name, signal);
  const nodes = new Set<string>();
  for (const block of blocks.values())
    if (block !== 'bad') for (const node of Object.keys(block.record.held)) nodes.add(node);
  const space = poolSpace(records.pool.decode(entry));
  return { ...fillOf({ name, space }, blocks, nowMs), nodes: [...nodes].sort() };
}

async function leasesOf(
  read: Read,
  node: string,
  signal: AbortSignal,
): Promise<readonly NodeLease[]> {
  const leases = await listAll(read, prefixes.leasesOf(node), { signal });
  const at = leases.revision === 0 ? {} : { at: leases.revision };
  const limits = await listAll(read, prefixes.limitsOf(node), { signal, ...at });
  const limitOf = new Map(
    records.limit.decodeAll(limits.entries).good.map(({ key, record }) => [key, record]),
  );
  return records.lease.decodeAll(leases.entries).good.map(({ key, record }) => {
    const address = nameIn(prefixes.leasesOf(node), key);
    const limit = limitOf.get(keys.limit(node, address));
    return { address, lease: record, ...(limit && { limit }) };
  });
}
