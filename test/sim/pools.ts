import type { AddressSource } from '../../src/sim/addresses.ts';

/** Addresses of one node at most; `held` shows who has them. */
export interface FixedPools extends AddressSource {
  readonly held: ReadonlyMap<string, readonly string[]>;
  readonly taken: string[];
  readonly given: string[];
}

/**
 * A simple source: so many addresses per node, 192.0.2.x for the first, counted up.
 *
 * @param sizes      node -> addresses it has
 * @param otherwise  addresses of a node that is not named
 */
export const fixedPools = (sizes: Readonly<Record<string, number>>, otherwise = 8): FixedPools => {
  const held = new Map<string, readonly string[]>();
  const free = new Map<string, string[]>();
  const taken: string[] = [];
  const given: string[] = [];
  const poolOf = (node: string): string[] => {
    const third = free.size + 1;
    const size = sizes[node] ?? sizes[node.split('.')[0] ?? ''] ?? otherwise;
    const pool =
      free.get(node) ?? Array.from({ length: size }, (_none, i) => `192.0.${third}.${i + 1}`);
    free.set(node, pool);
    return pool;
  };
  return {
    held,
    taken,
    given,
    take: async ({ node, task, networks }) => {
      taken.push(task);
      const pool = poolOf(node);
      if (pool.length < networks.length) return { ok: false, message: `no address on ${node}` };
      const addresses = pool.splice(0, networks.length);
      held.set(task, addresses);
      return { ok: true, addresses };
    },
    give: async ({ node, task }) => {
      given.push(task);
      poolOf(node).push(...(held.get(task) ?? []));
      held.delete(task);
    },
  };
};
