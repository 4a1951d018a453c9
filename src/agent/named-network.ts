import { inRange, parseAddress, rangeOfCidr } from '../core/address.ts';
import { Refusal } from '../core/errors.ts';
import type { Desk } from '../ledger/desk.ts';
import { LedgerClosed, LedgerUnreachable } from '../ledger/errors.ts';
import type { ReachedPool } from '../ledger/lease-view.ts';
import type { EngineNetwork } from './docker/engine-translate.ts';

/** The network of the ledger that a Docker network stands for, by the options of its IPAM. */
export interface NamedNetwork {
  readonly network: string;
  /** Those of its pools that this node reaches; none when the ledger has no such network. */
  readonly pools: readonly ReachedPool[];
}

interface Naming {
  readonly ipam: Pick<EngineNetwork['ipam'], 'options'>;
}

/** The ledger's name of a Docker network. @throws LedgerUnreachable, LedgerClosed */
export async function nameOfNetwork(
  desk: Pick<Desk, 'poolNamed'>,
  { ipam: { options } }: Naming,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { pool } = options;
  const named = pool === undefined ? undefined : await desk.poolNamed(pool, signal);
  return named?.network ?? options['network'];
}

/**
 * @returns undefined when it names no network, or a pool that the ledger does not have
 * @throws LedgerUnreachable, LedgerClosed
 */
export async function networkNamed(
  desk: Pick<Desk, 'pools' | 'poolNamed'>,
  { ipam: { options } }: Naming,
  signal: AbortSignal,
): Promise<NamedNetwork | undefined> {
  const network = await nameOfNetwork(desk, { ipam: { options } }, signal);
  if (network === undefined) return undefined;
  const pools = await desk.pools(network, signal).catch((fault: unknown) => {
    const isAway = fault instanceof LedgerUnreachable || fault instanceof LedgerClosed;
    if (isAway || !(fault instanceof Refusal)) throw fault;
    return []; // it is not there, or not for this node any more: what is attached to it still runs
  });
  return { network, pools };
}

/** The name of the pool that an address is of. */
export function poolOf({ pools }: NamedNetwork, text: string): string | undefined {
  const address = parseAddress(text);
  return pools.find(({ space }) => inRange(rangeOfCidr(space.cidr), address))?.name;
}
