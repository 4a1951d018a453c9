import type { Attachment, NetworkRecord } from '../../core/topology-record.ts';
import type { PoolSeen } from '../../core/snapshot-seen.ts';

export interface NetworkShape {
  readonly name: string;
  readonly attachment: Attachment;
  readonly pools: readonly string[];
  /** Limit of an address whose app asks for none, kbit/s. */
  readonly defaultInKbit: number;
  readonly defaultOutKbit: number;
  /** Sums over its pools. */
  readonly addresses: { readonly size: number; readonly held: number; readonly free: number };
}

export function networkShape(
  name: string,
  record: NetworkRecord,
  pools: readonly PoolSeen[],
): NetworkShape {
  const own = pools.filter(({ network }) => network === name);
  const sum = (figure: 'size' | 'held' | 'free'): number =>
    own.reduce((total, pool) => total + pool[figure], 0);
  return {
    name,
    attachment: record.attachment,
    pools: record.pools,
    defaultInKbit: record.defaultInKbit,
    defaultOutKbit: record.defaultOutKbit,
    addresses: { size: sum('size'), held: sum('held'), free: sum('free') },
  };
}
