import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { ReservedAddress } from './desk-stock.ts';
import { readReserve } from './desk-stock.ts';
import { keys } from './keys.ts';
import type { NodeLease } from './desk.ts';
import { openDesk } from './open-desk.ts';
import type { Store } from './store.ts';

/** What the ledger keeps for a node. */
export interface NodeEstate {
  readonly node: string;
  /** Its agent gave a sign of life lately. */
  readonly alive: boolean;
  readonly leases: readonly NodeLease[];
  /** What it has without a lease. */
  readonly spares: readonly ReservedAddress[];
}

export interface ForgetDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** @throws LedgerUnreachable */
export async function readEstate(deps: ForgetDeps, node: string): Promise<NodeEstate> {
  const { store, signal } = deps;
  const desk = openDesk(store, { ...deps, node });
  try {
    const [leases, spares] = await Promise.all([
      desk.leases(signal),
      readReserve(store, node, signal),
    ]);
    // last: an agent gives a sign of life before it does anything, so that one that is back is not overlooked
    const alive = await store.get(keys.alive(node), signal);
    return { node, alive: alive !== undefined, leases, spares };
  } finally {
    await desk.close();
  }
}

/**
 * Gives up everything that the ledger keeps for a node that is gone for good. Released addresses rest
 * like any others. Leases that were made since the estate was read stay.
 *
 * @returns how many leases were released
 * @throws LedgerUnreachable, LedgerBusy: what was not done yet can be done again
 */
export async function forgetNode(deps: ForgetDeps, estate: NodeEstate): Promise<number> {
  const { store, signal } = deps;
  const { node, leases, spares } = estate;
  const desk = openDesk(store, { ...deps, node, restsHere: false });
  try {
    const released = await Promise.all(
      leases.map(({ address, lease }) => desk.release(address, lease.incarnation, signal)),
    );
    const pools = new Map<string, string[]>();
    for (const { pool, address } of spares) pools.set(pool, [...(pools.get(pool) ?? []), address]);
    await Promise.all([...pools].map(([pool, all]) => desk.unstock(pool, all, signal)));
    await store.commit({ guards: [], writes: [{ drop: keys.reconciled(node) }] }, signal);
    return released.filter((one) => one.released).length;
  } finally {
    await desk.close();
  }
}
