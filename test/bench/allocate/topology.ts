import { readNetwork, readNode, readPool } from '../../../src/core/topology-read.ts';
import { keys } from '../../../src/ledger/keys.ts';
import { records } from '../../../src/ledger/records.ts';
import type { Store, Write } from '../../../src/ledger/store.ts';

export const POOLS = [
  { pool: 'p24', network: 'n24', size: '/24', cidr: '10.24.0.0/24' },
  { pool: 'p20', network: 'n20', size: '/20', cidr: '10.20.0.0/20' },
  { pool: 'p16', network: 'n16', size: '/16', cidr: '10.16.0.0/16' },
] as const;

/** Three pools, each in a network of its own. */
export async function topology(store: Store): Promise<void> {
  const writes: Write[] = POOLS.flatMap(({ pool, network, cidr }) => [
    { put: keys.pool(pool), value: records.pool.encode(readPool(pool, { cidr })) },
    {
      put: keys.network(network),
      value: records.network.encode(readNetwork(network, { pools: [pool] })),
    },
  ]);
  await store.commit({ guards: [], writes }, AbortSignal.timeout(30_000));
}

/** So many nodes that reach all pools. @returns their names */
export async function nodesFor(
  store: Store,
  purpose: string,
  count: number,
): Promise<readonly string[]> {
  const names = Array.from({ length: count }, (_, n) => `${purpose}-${n}`);
  const writes = names.map((name): Write => {
    const value = records.node.encode(readNode(name, { link: '1gbit' }));
    return { put: keys.node(name), value };
  });
  await store.commit({ guards: [], writes }, AbortSignal.timeout(30_000));
  return names;
}
