import type { WholeBlock } from '../core/block.ts';
import { maskOf } from '../core/block.ts';
import { minus, NO_BITS } from '../core/mask.ts';
import type { PoolSpace } from '../core/pool.ts';
import { holdingsIn, poolSpace, stockIn, usableMask } from '../core/pool.ts';
import type { PoolRecord } from '../core/topology-record.ts';
import type { WiringStep } from '../core/topology-diff.ts';
import type { Fault } from '../core/topology-errors.ts';
import type { Used } from '../core/topology.ts';
import { poolUseFaults, shrinkFaults } from '../core/topology.ts';
import { completed } from './blocks.ts';
import { blockIn, keys, prefixes } from './keys.ts';
import { listAll } from './listing.ts';
import type { Kept } from './records.ts';
import { records } from './records.ts';
import type { Read, Revision } from './store.ts';
import type { BlockRecord } from '../core/lease-record.ts';

/** A written block of a pool. */
export interface PoolBlock extends Kept<BlockRecord> {
  readonly n: bigint;
  /** What is leased of it; whatever else its nodes have they have in reserve. */
  readonly whole: WholeBlock;
}

/** The blocks that a step takes addresses from, with the pool they are of. */
export interface Bearing {
  readonly pool: string;
  readonly space: PoolSpace;
  readonly blocks: readonly PoolBlock[];
  /** Of the pool's births, read before its blocks: while it stands there are no others. */
  readonly bornRevision: Revision;
  /** The pool as it will be; absent when every address of it goes. */
  readonly next?: PoolRecord;
}

/**
 * What a step takes away from leases and stocks: nothing when it only adds. A pool that goes, changes its subnet
 * or leaves its network loses every block; one that narrows, those blocks that lose an address.
 */
export async function bearingsOf(
  read: Read,
  step: WiringStep,
  signal: AbortSignal,
): Promise<readonly Bearing[]> {
  if (step.kind === 'network') return bearingsOfNetwork(read, step, signal);
  const { name, before } = step;
  if (!before) return [];
  const space = poolSpace(before);
  if (step.do === 'drop' || moves(before, step.record))
    return [{ pool: name, space, ...(await blocksOf(read, name, signal)) }];
  const after = poolSpace(step.record);
  const losing = (n: bigint): boolean =>
    minus(usableMask(space, n), usableMask(after, n)) !== NO_BITS;
  if (!narrows(before, step.record)) return [];
  const { blocks, bornRevision } = await blocksOf(read, name, signal);
  const fewer = blocks.filter(({ n }) => losing(n));
  return [{ pool: name, space, blocks: fewer, bornRevision, next: step.record }];
}

/** Whether addresses would lie at other places than before. */
const moves = (before: PoolRecord, next: PoolRecord): boolean => {
  const [was, is] = [poolSpace(before).cidr, poolSpace(next).cidr];
  return was.family !== is.family || was.base !== is.base;
};

/** Cheaply true whenever anything about the ranges differs. */
const narrows = (before: PoolRecord, next: PoolRecord): boolean =>
  JSON.stringify([before.ranges, before.exclude]) !== JSON.stringify([next.ranges, next.exclude]);

async function bearingsOfNetwork(
  read: Read,
  step: Extract<WiringStep, { kind: 'network' }>,
  signal: AbortSignal,
): Promise<readonly Bearing[]> {
  const kept = new Set(step.do === 'put' ? step.record.pools : []);
  const leaving = (step.before?.pools ?? []).filter((pool) => !kept.has(pool));
  const bearings = await Promise.all(
    leaving.map(async (pool): Promise<Bearing[]> => {
      const entry = await read.get(keys.pool(pool), signal);
      if (!entry) return [];
      const space = poolSpace(records.pool.decode(entry));
      return [{ pool, space, ...(await blocksOf(read, pool, signal)) }];
    }),
  );
  return bearings.flat();
}

/** @throws BadRecord: what a block that does not read holds is unknown, so nothing may be taken */
async function blocksOf(
  read: Read,
  pool: string,
  signal: AbortSignal,
): Promise<Pick<Bearing, 'blocks' | 'bornRevision'>> {
  const bornRevision = (await read.get(keys.births(pool), signal))?.revision ?? 0;
  const { entries } = await listAll(read, prefixes.blocksOf(pool), { signal });
  const { good, faults } = records.block.decodeAll(entries);
  const [fault] = faults;
  if (fault) throw fault;
  const seen = good.flatMap((kept) => {
    const place = blockIn(kept.key);
    return place ? [{ ...kept, n: place.n }] : [];
  });
  const { blocks } = await completed(
    read,
    { pool, blocks: new Map(seen.map((block) => [block.n, block])) },
    signal,
  );
  const all = seen.map((block) => {
    const found = blocks.get(block.n);
    const whole = found === undefined || found === 'bad' ? undefined : found.whole;
    return { ...block, whole: whole ?? block.record };
  });
  return { blocks: all, bornRevision };
}

/** Whether what rests with nodes counts: they give it back before a step, and a step that finds more stops. */
export type Resting = 'resting counts' | 'resting is given back';

const usedIn = ({ space, blocks }: Bearing, resting: Resting): Used => ({
  leases: blocks.flatMap(({ n, whole }) => holdingsIn(space, n, whole)),
  spares: blocks.flatMap(({ n, record, whole }) =>
    resting === 'resting counts'
      ? holdingsIn(space, n, { ...record, held: beside(record, whole) })
      : stockIn(space, n, whole),
  ),
});

/** Masks of what nodes have of a block and do not lease. */
const beside = (record: BlockRecord, whole: WholeBlock): BlockRecord['held'] =>
  Object.fromEntries(
    Object.entries(record.held).map(([node, mask]) => [node, minus(mask, maskOf(whole, node))]),
  );

/** Leases and spares that a step would take the ground from, as can be foreseen. */
export async function wiringUseFaults(
  read: Read,
  step: WiringStep,
  signal: AbortSignal,
): Promise<Fault[]> {
  return faultsOf(step, await bearingsOf(read, step, signal), 'resting is given back');
}

export const faultsOf = (
  step: WiringStep,
  bearings: readonly Bearing[],
  resting: Resting,
): Fault[] =>
  bearings.flatMap((bearing) => {
    const used = usedIn(bearing, resting);
    if (bearing.next) return shrinkFaults(bearing.pool, bearing.next, used);
    const where =
      step.kind === 'pool'
        ? `pool "${step.name}"`
        : `pool "${bearing.pool}" of network "${step.name}"`;
    return poolUseFaults(where, bearing.pool, used);
  });
