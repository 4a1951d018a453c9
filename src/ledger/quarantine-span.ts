import { formatRange, parseRange } from '../core/address.ts';
import { quarantined, unquarantined } from '../core/block.ts';
import { offsetsIn } from '../core/mask.ts';
import { blockNumbers, narrowed, poolSpace, usableMask } from '../core/pool.ts';
import type { BlockRecord } from '../core/lease-record.ts';
import { readBlock } from './blocks.ts';
import { keys } from './keys.ts';
import { AddressNotInPool, UnknownPool } from './lease-errors.ts';
import type { LeaseOptions } from './lease-options.ts';
import type { ReachedPool } from './lease-view.ts';
import { blockChange } from './lease-ownership.ts';
import { records } from './records.ts';
import type { Read, Store } from './store.ts';
import { TooManyBlocks } from './topology-errors.ts';
import type { Decision } from './transact.ts';
import { transact } from './transact.ts';

/** A stretch of a pool; addresses in it that the pool does not hand out are passed over. */
export interface Span {
  readonly pool: string;
  readonly from: string;
  readonly to: string;
}

/** Each block is a commit, and each address of it an entry in the block. */
const MOST_BLOCKS = 64;

/**
 * Withholds every address of a span, block after block; done half-way it can be done again. What is
 * withheld already stays so for its own reason. Whoever has an address keeps it, save that agents give
 * back what they only keep in stock.
 *
 * @returns how many addresses were withheld anew
 * @throws UnknownPool, AddressNotInPool when the span has none of the pool's, TooManyBlocks, BadAddress,
 *         BadRange, BadRecord, LedgerBusy, LedgerUnreachable
 */
export const quarantineSpan = (
  store: Store,
  span: Span & { readonly why: string },
  options: LeaseOptions,
): Promise<number> =>
  eachBlock(store, span, options, (record, offset) =>
    Object.hasOwn(record.quarantined, offset) ? record : quarantined(record, offset, span.why),
  );

/**
 * What was withheld of a span may be given out again, at once; with `why` only what was for that reason.
 *
 * @throws as quarantineSpan
 */
export const unquarantineSpan = (
  store: Store,
  span: Span & { readonly why?: string },
  options: LeaseOptions,
): Promise<number> =>
  eachBlock(store, span, options, (record, offset) =>
    span.why === undefined || record.quarantined[offset] === span.why
      ? unquarantined(record, offset)
      : record,
  );

type ChangeOne = (record: BlockRecord, offset: number) => BlockRecord;

async function eachBlock(
  store: Store,
  span: Span,
  options: LeaseOptions,
  change: ChangeOne,
): Promise<number> {
  const { space } = await partOf(store, span, options);
  const numbers: bigint[] = [];
  for (const n of blockNumbers(space, 0n)) {
    numbers.push(n);
    if (numbers.length > MOST_BLOCKS)
      throw new TooManyBlocks(span.pool, numbers.length, MOST_BLOCKS);
  }
  let count = 0;
  for (const n of numbers)
    count += await transact(
      store,
      (read) => decideBlock(read, { span, n, change }, options),
      options,
    );
  return count;
}

interface OneBlock {
  readonly span: Span;
  readonly n: bigint;
  readonly change: ChangeOne;
}

async function decideBlock(
  read: Read,
  { span, n, change }: OneBlock,
  options: LeaseOptions,
): Promise<Decision<number>> {
  const pool = await partOf(read, span, options);
  const block = await readBlock(read, { pool: span.pool, n }, options.signal);
  const offsets = offsetsIn(usableMask(pool.space, n));
  const after = offsets.reduce(change, block.record);
  const same = records.block.encode(after) === records.block.encode(block.record);
  const { guards, writes } = blockChange({ pool, block, offset: 0 }, after, { movesPool: true });
  const result = offsets.filter(
    (offset) => isIn(after, offset) !== isIn(block.record, offset),
  ).length;
  return { result, guards, writes: same ? [] : writes };
}

const isIn = ({ quarantined: withheld }: BlockRecord, offset: number): boolean =>
  Object.hasOwn(withheld, offset);

/** The pool, narrowed to the span. */
async function partOf(
  read: Read,
  { pool, from, to }: Span,
  { signal }: LeaseOptions,
): Promise<ReachedPool> {
  const range = parseRange({ from, to });
  const entry = await read.get(keys.pool(pool), signal);
  if (!entry) throw new UnknownPool(pool);
  const record = records.pool.decode(entry);
  const whole = poolSpace(record);
  const space = narrowed(whole, range);
  if (range.family !== whole.cidr.family || space.size === 0n)
    throw new AddressNotInPool(formatRange(range), pool);
  return { name: pool, record, space, revision: entry.revision };
}
