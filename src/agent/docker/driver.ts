import { canonicalAddress, formatCidr, formatRange, parseAddress } from '../../core/address.ts';
import { isUsable } from '../../core/pool.ts';
import type { Desk } from '../../ledger/desk.ts';
import type { ReachedPool } from '../../ledger/lease-view.ts';
import type { Clock } from '../../plumbing/clock.ts';
import { bySignal } from '../../plumbing/deadline.ts';
import type { Allocator } from '../allocator.ts';
import { NetworkNotNamed, NotDecided, OutsideRanges, UnknownPoolId } from '../errors.ts';
import { canonicalIn, type Named, namedIn, poolFor, withinOf } from './asked.ts';
import { type PoolId, readPoolId, writePoolId } from './pool-id.ts';
import type { AddressCall, IpamDriver, PoolCall } from './protocol.ts';

export interface DriverDeps {
  readonly desk: Desk;
  readonly allocator: Allocator;
  readonly node: string;
  readonly clock: Clock;
  readonly newNonce: () => string;
  readonly answerWithinMs: number;
}

const GATEWAY = 'com.docker.network.gateway';
const REQUEST_TYPE = 'RequestAddressType';
/** How long after its RequestPool a network may still be in the making, ms. Docker asks within a few. */
const MAKING_MS = 10_000;

/**
 * Docker's IPAM calls, answered from the ledger. It keeps no state that a later call needs: pool ids
 * say it all.
 *
 * Auxiliary addresses (`--aux-address`) come as a request for that very address, exactly like a
 * container's `--ip`. What tells them apart is when: Docker asks for them while it makes the network.
 * So until a pool id is 10 s old, or was used for a container, a request for an address is taken for
 * one of those: inside the ranges it becomes a lease of the network's own, outside (a router, say)
 * it is merely agreed to. Later, an address outside the ranges is refused, for no container may have
 * it.
 */
export class Driver implements IpamDriver {
  readonly #deps: DriverDeps;
  /** Nonces of pool ids whose network may still be in the making, and until when. */
  readonly #making = new Map<string, number>();

  constructor(deps: DriverDeps) {
    this.#deps = deps;
  }

  async requestPool(call: PoolCall): ReturnType<IpamDriver['requestPool']> {
    const named = namedIn(call.Options);
    return this.#inTime(named.network ?? named.pool ?? '', async (signal) => {
      const { network, pools } = await this.#poolsFor(named, signal);
      const pool = poolFor(call, { network, pools });
      const within = withinOf(call.SubPool, pool);
      const nonce = this.#deps.newNonce();
      const { cidr } = pool.space;
      const id: PoolId = { network, pool: pool.name, cidr, ...(within && { within }), nonce };
      this.#making.set(nonce, this.#deps.clock.now() + MAKING_MS);
      const { gateway } = pool.record;
      return {
        PoolID: writePoolId(id),
        Pool: formatCidr(cidr),
        // said here, it is not asked for, unless somebody gives --gateway
        Data: gateway === undefined ? {} : { [GATEWAY]: `${gateway}/${cidr.prefix}` },
      };
    });
  }

  /** A pool id is words: there is nothing to give up. */
  releasePool({ PoolID }: { readonly PoolID: string }): Promise<void> {
    const id = readPoolId(PoolID);
    if (id) this.#making.delete(id.nonce);
    return Promise.resolve();
  }

  async requestAddress(call: AddressCall): ReturnType<IpamDriver['requestAddress']> {
    const id = readPoolId(call.PoolID);
    if (!id) throw new UnknownPoolId(call.PoolID);
    const address = await this.#inTime(id.network, (signal) => this.#addressFor(id, call, signal));
    return { Address: `${address}/${id.cidr.prefix}`, Data: {} };
  }

  async releaseAddress(call: { readonly PoolID: string; readonly Address: string }): Promise<void> {
    const id = readPoolId(call.PoolID);
    if (!id) throw new UnknownPoolId(call.PoolID);
    const address = canonicalAddress(call.Address);
    await this.#deps.allocator.release(address, id.nonce);
  }

  releaseUnheard({ Address }: { readonly Address: string }): void {
    this.#deps.allocator.releaseUnheard(canonicalAddress(Address));
  }

  undelivered(call: AddressCall, address: string): void {
    const [bare = ''] = address.split('/');
    const id = readPoolId(call.PoolID);
    if (id) void this.#deps.allocator.takeBack(canonicalAddress(bare), id.nonce);
  }

  async #addressFor(id: PoolId, call: AddressCall, signal: AbortSignal): Promise<string> {
    if (call.Options[REQUEST_TYPE] === GATEWAY) return this.#gatewayFor(id, call.Address, signal);
    if (call.Address !== '') return this.#thatAddress(id, call.Address, signal);
    this.#making.delete(id.nonce); // only a container asks for any address
    return this.#taken(id, { by: 'docker' }, signal);
  }

  /**
   * The pool's own gateway, or one that an operator named. Without either Docker still wants one, for
   * the bridge: an address of the pool, this node's alone.
   */
  async #gatewayFor(id: PoolId, asked: string, signal: AbortSignal): Promise<string> {
    const { desk } = this.#deps;
    const pool = await desk.poolNamed(id.pool, signal);
    if (!pool) throw new UnknownPoolId(writePoolId(id));
    const { gateway } = pool.record;
    const wanted = asked === '' ? gateway : canonicalIn(id, asked);
    if (wanted === undefined) return this.#taken(id, { by: 'aux' }, signal);
    if (wanted === gateway || !isUsable(pool.space, parseAddress(wanted))) return wanted;
    return this.#taken(id, { by: 'aux', address: wanted }, signal);
  }

  async #thatAddress(id: PoolId, asked: string, signal: AbortSignal): Promise<string> {
    const { desk } = this.#deps;
    const address = canonicalIn(id, asked);
    const making = this.#isMaking(id.nonce);
    const pool = await desk.poolNamed(id.pool, signal);
    if (!pool) throw new UnknownPoolId(writePoolId(id));
    if (isUsable(pool.space, parseAddress(address)))
      return this.#taken(id, { by: making ? 'aux' : 'docker', address }, signal);
    if (!making) throw new OutsideRanges(address, pool.name, pool.space.ranges.map(formatRange));
    return address;
  }

  async #taken(
    { network, pool, within, nonce }: PoolId,
    { by, address }: { by: 'docker' | 'aux'; address?: string },
    signal: AbortSignal,
  ): Promise<string> {
    const which = address === undefined ? within && { within } : { address };
    const ask = { network, pool, by, nonce, ...which };
    const { address: given } = await this.#deps.allocator.take(ask, signal);
    return given;
  }

  #isMaking(nonce: string): boolean {
    const now = this.#deps.clock.now();
    for (const [other, untilMs] of this.#making) if (untilMs < now) this.#making.delete(other);
    return this.#making.has(nonce);
  }

  async #poolsFor(
    { network, pool }: Named,
    signal: AbortSignal,
  ): Promise<{ network: string; pools: readonly ReachedPool[] }> {
    const { desk } = this.#deps;
    const found = pool === undefined ? undefined : await desk.poolNamed(pool, signal);
    if (pool !== undefined && !found)
      throw new NetworkNotNamed(`there is no pool "${pool}", or it is in no network`);
    const name = found?.network ?? network ?? '';
    if (network !== undefined && network !== name)
      throw new NetworkNotNamed(`pool "${pool ?? ''}" is of network "${name}", not "${network}"`);
    const pools = await desk.pools(name, signal);
    return { network: name, pools: pools.filter((each) => !found || each.name === found.name) };
  }

  /** Docker never gives up by itself, so this does. @throws NotDecided */
  async #inTime<T>(network: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, answerWithinMs, node } = this.#deps;
    const budget = new AbortController();
    const timer = new AbortController();
    const why = `the ledger did not decide within ${answerWithinMs} ms`;
    const late = new NotDecided(network, node, why);
    clock.sleep(answerWithinMs, timer.signal).then(
      () => budget.abort(late),
      () => undefined, // it was faster
    );
    try {
      return await bySignal(budget.signal, work);
    } finally {
      timer.abort();
    }
  }
}
