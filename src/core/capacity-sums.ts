import { NOBODY } from './capacity-record.ts';
import type { LeaseRecord } from './lease-record.ts';
import type { NetworkRecord } from './topology-record.ts';
import { heldIn, type WholeBlock } from './block.ts';
import { maskOfOffsets, minus, popcount, unionOf } from './mask.ts';

/** Leases and what they may carry together, kbit/s. */
export interface LeaseSum {
  readonly leases: number;
  readonly inKbit: number;
  readonly outKbit: number;
}

const NOTHING: LeaseSum = { leases: 0, inKbit: 0, outKbit: 0 };

/** The first segment of a canonical app id; apps outside any group are in `/`. */
export function groupOf(app: string | undefined): string {
  if (app === undefined) return NOBODY;
  const end = app.indexOf('/', 1);
  return end < 0 ? '/' : app.slice(0, end);
}

/** Leases added one at a time: a cluster has a hundred thousand, and none is kept. */
export class LeaseSums {
  readonly pools = new Map<string, LeaseSum>();
  readonly nodes = new Map<string, LeaseSum>();
  readonly groups = new Map<string, LeaseSum>();
  /** By pool: the MACs that the switch sees of it, or what stands for one. */
  readonly #macs = new Map<string, Set<string>>();
  readonly #networks: ReadonlyMap<string, NetworkRecord>;

  constructor(networks: ReadonlyMap<string, NetworkRecord>) {
    this.#networks = networks;
  }

  add(node: string, address: string, lease: LeaseRecord): void {
    put(this.pools, lease.pool, lease);
    put(this.nodes, node, lease);
    put(this.groups, groupOf(lease.app), lease);
    if (lease.by === 'aux') return; // Docker's own: nobody speaks from it
    const macs = this.#macs.get(lease.pool) ?? new Set<string>();
    this.#macs.set(lease.pool, macs.add(this.#seenAs(node, address, lease)));
  }

  /** Behind a routed attachment the switch learns the node and no container. */
  #seenAs(node: string, address: string, { network, mac }: LeaseRecord): string {
    const isRouted = this.#networks.get(network)?.attachment === 'routed';
    return isRouted ? `node ${node}` : (mac?.toLowerCase() ?? `address ${address}`);
  }

  /** MACs that a switch learns of these pools, each counted once. */
  macsOf(pools: readonly string[]): number {
    const all = new Set<string>();
    for (const pool of pools) for (const mac of this.#macs.get(pool) ?? []) all.add(mac);
    return all.size;
  }
}

function put(sums: Map<string, LeaseSum>, name: string, { counted }: LeaseRecord): void {
  const { leases, inKbit, outKbit } = sums.get(name) ?? NOTHING;
  sums.set(name, {
    leases: leases + 1,
    inKbit: inKbit + (counted?.netInKbit ?? 0),
    outKbit: outKbit + (counted?.netOutKbit ?? 0),
  });
}

/** Addresses that each node keeps in stock of one block, those that nobody could have left out. */
export function stockByNode(block: WholeBlock): ReadonlyMap<string, number> {
  const withheld = unionOf(
    heldIn(block),
    maskOfOffsets(Object.keys(block.quarantined).map(Number)),
  );
  const stock = new Map<string, number>();
  for (const [node, mask] of Object.entries(block.spare ?? {}))
    stock.set(node, popcount(minus(mask, withheld)));
  return stock;
}
