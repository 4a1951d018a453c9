import type { Reserve, TallyRecord } from './lease-record.ts';

type Reserves = TallyRecord['reserve'];

const NOBODY: ReadonlyMap<string, Reserve> = new Map();

/** What nodes have in reserve of each block, as their tallies say. */
export class ReserveBook {
  readonly #byBlock = new Map<string, Map<string, Reserve>>();

  /** By node. */
  of(pool: string, n: bigint): ReadonlyMap<string, Reserve> {
    return this.#byBlock.get(nameOf(pool, String(n))) ?? NOBODY;
  }

  /** @returns the blocks of which the node has something else in reserve now */
  change(node: string, before: Reserves, after: Reserves): readonly (readonly [string, bigint])[] {
    if (before === after) return [];
    const [was, is] = [flat(before), flat(after)];
    return [...new Set([...was.keys(), ...is.keys()])].flatMap((name) => {
      const [old, now] = [was.get(name), is.get(name)];
      if (JSON.stringify(old) === JSON.stringify(now)) return [];
      this.#set(name, node, now);
      const [pool = '', n = '0'] = name.split(' ');
      return [[pool, BigInt(n)] as const];
    });
  }

  #set(name: string, node: string, reserve: Reserve | undefined): void {
    const nodes = this.#byBlock.get(name) ?? new Map<string, Reserve>();
    if (reserve) nodes.set(node, reserve);
    else nodes.delete(node);
    if (nodes.size > 0) this.#byBlock.set(name, nodes);
    else this.#byBlock.delete(name);
  }
}

/** Names hold no blank. */
const nameOf = (pool: string, n: string): string => `${pool} ${n}`;

const flat = (reserves: Reserves = {}): ReadonlyMap<string, Reserve> =>
  new Map(
    Object.entries(reserves).flatMap(([pool, blocks]) =>
      Object.entries(blocks).map(([n, reserve]) => [nameOf(pool, n), reserve] as const),
    ),
  );
