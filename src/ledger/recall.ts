import { reservedOf } from '../core/reserve.ts';
import { readTally } from './blocks.ts';
import { putBack } from './desk-stock.ts';
import { keys } from './keys.ts';
import { Overlay } from './overlay.ts';
import type { Read, Store } from './store.ts';
import type { Decision, TransactOptions } from './transact.ts';
import { transact } from './transact.ts';

/** Most addresses in one commit. */
const MOST_AT_ONCE = 50;

/**
 * Puts back into its block what rests with a node, in every pool or in one. What it keeps in stock stays:
 * its agent may have handed it out.
 *
 * @throws BadRecord, LedgerBusy, LedgerUnreachable
 */
export async function recall(
  store: Store,
  { node, pool }: { readonly node: string; readonly pool?: string },
  options: TransactOptions,
): Promise<void> {
  for (let left = true; left;)
    left = await transact(
      store,
      (read) => decideRecall(read, { node, pool }, options.signal),
      options,
    );
}

/** @returns whether some may be left */
async function decideRecall(
  read: Read,
  { node, pool }: { readonly node: string; readonly pool: string | undefined },
  signal: AbortSignal,
): Promise<Decision<boolean>> {
  const tally = await readTally(read, node, signal);
  const resting = (tally ? reservedOf(tally.record) : []).filter(
    (one) => one.restsUntilMs !== undefined && (pool === undefined || one.pool === pool),
  );
  const overlay = new Overlay(read);
  overlay.add({ guards: [{ key: keys.tally(node), revision: tally?.revision ?? 0 }], writes: [] });
  for (const place of resting.slice(0, MOST_AT_ONCE))
    await putBack(overlay, { node, place }, signal);
  return { result: resting.length > MOST_AT_ONCE, ...overlay.change() };
}
