import { keys, nameIn, prefixes } from './keys.ts';
import { listAll } from './listing.ts';
import { records } from './records.ts';
import type { Read } from './store.ts';

/** The network that has the pool; undefined when none has, or the pool is not there. */
export async function networkOf(
  read: Read,
  pool: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [there, { entries }] = await Promise.all([
    read.get(keys.pool(pool), signal),
    listAll(read, prefixes.networks, { signal }),
  ]);
  const { good } = records.network.decodeAll(entries);
  const owner = there && good.find(({ record }) => record.pools.includes(pool));
  return owner && nameIn(prefixes.networks, owner.key);
}
