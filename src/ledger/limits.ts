import { LedgerMisuse, TooManyOperations, ValueTooLarge } from './errors.ts';
import type { Guard, RangeQuery } from './store.ts';
import { MAX_COMMIT_BYTES, MAX_OPERATIONS, MAX_PAGE, MAX_VALUE_BYTES } from './store.ts';

/** Room for a guard's or a write's own framing in a request, bytes. */
const FRAMING_BYTES = 64;
const DEFAULT_PAGE = 1_000;
const ILL_FORMED = /\p{Surrogate}/u;

type Written = { readonly put: string; readonly value: string } | { readonly drop: string };

/** The key that a write puts or drops. */
export const keyOf = (write: Written): string => ('put' in write ? write.put : write.drop);

/**
 * Refuses what one of the backends could not carry out, before anything is sent; called by each backend.
 *
 * @returns its size in bytes
 * @throws TooManyOperations, ValueTooLarge, LedgerMisuse (empty or ill-formed keys, a key written twice)
 */
export function checkChange({
  guards,
  writes,
}: {
  readonly guards: readonly Guard[];
  readonly writes: readonly Written[];
}): number {
  // The mark that finds a lost answer again is guarded and written by the same commit.
  const operations = Math.max(guards.length, writes.length) + 1;
  if (operations > MAX_OPERATIONS) throw new TooManyOperations(operations, MAX_OPERATIONS);
  let bytes = 0;
  for (const guard of guards) bytes += checkKey(guard.key) + FRAMING_BYTES;
  const written = new Set<string>();
  for (const write of writes) {
    const key = keyOf(write);
    if (written.has(key)) throw new LedgerMisuse(`a commit that writes "${key}" twice`);
    written.add(key);
    bytes += checkKey(key) + checkValue(write) + FRAMING_BYTES;
    if (bytes > MAX_COMMIT_BYTES) throw new ValueTooLarge(key, bytes, MAX_COMMIT_BYTES);
  }
  return bytes;
}

/**
 * The page size that a query means.
 *
 * @throws LedgerMisuse when it is not within 1..MAX_PAGE, or the prefix is not well-formed text
 */
export function checkQuery({ prefix, after = '', limit = DEFAULT_PAGE }: RangeQuery): number {
  if (ILL_FORMED.test(prefix) || ILL_FORMED.test(after))
    throw new LedgerMisuse('a range of keys that are not well-formed text');
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE)
    throw new LedgerMisuse(`a page of ${limit} entries, not of 1 to ${MAX_PAGE}`);
  return limit;
}

/** The key's length in bytes. @throws LedgerMisuse */
export function checkKey(key: string): number {
  if (key === '') throw new LedgerMisuse('an empty key');
  // As bytes, all ill-formed keys would be one key.
  if (ILL_FORMED.test(key)) throw new LedgerMisuse('a key that is not well-formed text');
  return Buffer.byteLength(key);
}

function checkValue(write: Written): number {
  if (!('put' in write)) return 0;
  const bytes = Buffer.byteLength(write.value);
  if (bytes > MAX_VALUE_BYTES) throw new ValueTooLarge(write.put, bytes, MAX_VALUE_BYTES);
  if (ILL_FORMED.test(write.value))
    throw new LedgerMisuse(`a value of "${write.put}" that is not well-formed text`);
  return bytes;
}

/** Whole seconds, at least one. @throws LedgerMisuse when `ttlMs` is not a finite number of at least 0 */
export function holdSeconds(ttlMs: number): number {
  if (!Number.isFinite(ttlMs) || ttlMs < 0 || ttlMs > 86_400_000)
    throw new LedgerMisuse(`a holding of ${ttlMs} ms, not of 0 to 86400000`);
  return Math.max(1, Math.ceil(ttlMs / 1000));
}
