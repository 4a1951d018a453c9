import { formatAddress } from '../core/address.ts';
import { addressAt } from '../core/pool.ts';
import type { PoolPlace } from '../core/reserve.ts';
import type { Spot } from './blocks.ts';
import type { ReachedPool } from './lease-view.ts';
import type { Read } from './store.ts';

/** What is looked for, and when. */
export interface Look {
  readonly read: Read;
  readonly node: string;
  readonly network: string;
  readonly pool?: string;
  readonly within?: { readonly from: string; readonly to: string };
  /** Where the last address of each pool was found. */
  readonly homes?: Map<string, bigint>;
  readonly nowMs: number;
  /** How long a released address rests, and how long it must have when nothing else is left, ms. */
  readonly restMs: { readonly usual: number; readonly pressed: number };
  readonly signal: AbortSignal;
}

export interface Found extends Spot {
  readonly pool: ReachedPool;
  /** The address was in this node's stock. */
  readonly spare?: boolean;
  /** It was given before it had rested as long as is usual. */
  readonly pressed?: boolean;
}

/** Where in its pool a spot is. */
export const placeIn = ({ pool, block, offset }: Found): PoolPlace => ({
  pool: pool.name,
  block: block.n,
  offset,
});

/** The address of a spot, spelled. */
export const addressOf = ({ pool, block, offset }: Found): string =>
  formatAddress(addressAt(pool.space, { block: block.n, offset }));
