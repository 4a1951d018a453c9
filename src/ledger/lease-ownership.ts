import { givenBack, taken } from '../core/block.ts';
import type { BlockRecord, TallyRecord } from '../core/lease-record.ts';
import { isReserved, unreserved } from '../core/reserve.ts';
import { keys } from './keys.ts';
import { type Found, placeIn } from './lease-found.ts';
import type { ReachedPool } from './lease-view.ts';
import { records } from './records.ts';
import type { Change, Write } from './store.ts';

/**
 * What makes the address the node's, whoever had it: nothing but a guard when it is so already, for what a node
 * does with its own addresses stands in its tally.
 */
export function ownership(
  found: Found,
  { node, nowMs, tally }: { readonly node: string; readonly nowMs: number; tally: TallyRecord },
): Change {
  const { pool, block, offset, rival } = found;
  if (isReserved(tally, placeIn(found)))
    return { guards: [{ key: keys.pool(pool.name), revision: pool.revision }], writes: [] };
  const base = rival ? givenBack(block.record, { node: rival.node, offset }) : block.record;
  const changed = blockChange(found, taken(base, { node, offset, nowMs }));
  if (!rival) return changed;
  const key = keys.tally(rival.node);
  const theirs = records.tally.draft(key, unreserved(rival.record, placeIn(found)));
  return {
    guards: [...changed.guards, { key, revision: rival.revision }],
    writes: [...changed.writes, theirs],
  };
}

/** The block as it will be, guarded with its pool, which moves if that is wanted. */
export function blockChange(
  { pool, block }: Found,
  next: BlockRecord,
  { movesPool = false }: { readonly movesPool?: boolean } = {},
): Change {
  const key = keys.block(pool.name, block.n);
  return {
    guards: [
      { key: keys.pool(pool.name), revision: pool.revision },
      { key, revision: block.revision },
    ],
    writes: [
      records.block.draft(key, next),
      ...(block.revision === 0 ? [birthOf(pool)] : []),
      ...(movesPool ? [touch(pool)] : []),
    ],
  };
}

/**
 * Whoever narrows or drops the pool, having seen only the blocks that were there, loses by this key. It is
 * written and not guarded, so that nodes which make blocks at the same time do not collide on it.
 */
const birthOf = ({ name }: ReachedPool): Write => ({
  put: keys.births(name),
  value: records.births.encode({ v: 1 }),
});

/**
 * Whatever withholds addresses or frees them moves the pool: who takes an address that rests with them, or
 * lays one to rest, looks at the block and guards the pool.
 */
export const touch = ({ name, record }: ReachedPool): Write => ({
  put: keys.pool(name),
  value: records.pool.encode(record),
});
