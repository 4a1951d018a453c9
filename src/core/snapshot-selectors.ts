import type { NodeSelector } from './topology-record.ts';

type Pair = readonly [string, string];

const keyOf = ([name, value]: Pair): string => `${name}\n${value}`;

/**
 * Which pools a node reaches, by index: long lists of names cost a look-up instead of a walk. Says for
 * every pool what `reaches` of core/pool.ts says.
 */
export class PoolSelectors {
  readonly #every = new Set<string>();
  readonly #named = new Map<string, Set<string>>();
  /** By the first pair that a selector asks for; most nodes have few attributes. */
  readonly #described = new Map<string, Map<string, readonly Pair[]>>();
  readonly #firstOf = new Map<string, string>();
  readonly #names = new Map<string, readonly string[]>();

  /** @param selector  absent forgets the pool */
  set(pool: string, selector: NodeSelector | undefined): void {
    this.#forget(pool);
    if (selector === undefined) return;
    const names = selector.names ?? [];
    const pairs = Object.entries(selector.attributes ?? {});
    if (names.length === 0 && pairs.length === 0) this.#every.add(pool);
    this.#describe(pool, pairs);
    if (names.length > 0) this.#names.set(pool, names);
    for (const name of names) {
      const pools = this.#named.get(name) ?? new Set();
      this.#named.set(name, pools.add(pool));
    }
  }

  #describe(pool: string, pairs: readonly Pair[]): void {
    const [first] = pairs;
    if (!first) return;
    const key = keyOf(first);
    const like = this.#described.get(key) ?? new Map<string, readonly Pair[]>();
    this.#described.set(key, like.set(pool, pairs));
    this.#firstOf.set(pool, key);
  }

  #forget(pool: string): void {
    this.#every.delete(pool);
    const first = this.#firstOf.get(pool) ?? '';
    const like = this.#described.get(first);
    like?.delete(pool);
    if (like?.size === 0) this.#described.delete(first);
    this.#firstOf.delete(pool);
    for (const name of this.#names.get(pool) ?? []) {
      const pools = this.#named.get(name);
      pools?.delete(pool);
      if (pools?.size === 0) this.#named.delete(name);
    }
    this.#names.delete(pool);
  }

  /** Pools, sorted, that a node with these attributes reaches. */
  reachedBy(node: string, attributes: Readonly<Record<string, string>>): string[] {
    const reached = new Set([...this.#every, ...(this.#named.get(node) ?? [])]);
    const has = ([name, value]: Pair): boolean =>
      Object.hasOwn(attributes, name) && attributes[name] === value;
    for (const pair of Object.entries(attributes))
      for (const [pool, pairs] of this.#described.get(keyOf(pair)) ?? [])
        if (pairs.every(has)) reached.add(pool);
    return [...reached].sort();
  }
}
