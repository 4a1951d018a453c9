import { MAX_COMMIT_BYTES, type Store } from '../../../src/ledger/store.ts';
import { ledgerOf, type Put, type Size } from './records.ts';

const AT_ONCE = 8;
/** A commit takes 128 writes, and its mark is one of them. */
const WRITES = 127;
const FRAME = 64;

/** Writes the whole ledger, many records in a commit and some commits beside each other. */
export async function fill(store: Store, size: Size): Promise<number> {
  const batches = batchesOf(ledgerOf(size));
  let written = 0;
  const work = async (): Promise<void> => {
    for (const writes of batches) {
      await store.commit({ guards: [], writes }, AbortSignal.timeout(60_000));
      written += writes.length;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return written;
}

function* batchesOf(puts: Iterable<Put>): Generator<readonly Put[]> {
  let batch: Put[] = [];
  let bytes = 0;
  for (const put of puts) {
    const size = put.put.length + put.value.length + FRAME;
    if (batch.length === WRITES || bytes + size > MAX_COMMIT_BYTES / 2) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(put);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
