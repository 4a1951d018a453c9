/**
 * A map seen with some of its values replaced, without copying it: a verdict that looks past one
 * promise costs what that promise touches. Keys are those of `base`; a patch for another key is unseen.
 */
export class Patched<V> implements ReadonlyMap<string, V> {
  readonly #base: ReadonlyMap<string, V>;
  readonly #patch: ReadonlyMap<string, V>;

  constructor(base: ReadonlyMap<string, V>, patch: ReadonlyMap<string, V>) {
    this.#base = base;
    this.#patch = patch;
  }

  get size(): number {
    return this.#base.size;
  }

  has(key: string): boolean {
    return this.#base.has(key);
  }

  get(key: string): V | undefined {
    return this.#base.has(key) ? (this.#patch.get(key) ?? this.#base.get(key)) : undefined;
  }

  forEach(visit: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }

  keys(): MapIterator<string> {
    return this.#base.keys();
  }

  *values(): Generator<V, undefined> {
    for (const [key, value] of this.#base) yield this.#patch.get(key) ?? value;
    return undefined;
  }

  *entries(): Generator<[string, V], undefined> {
    for (const [key, value] of this.#base) yield [key, this.#patch.get(key) ?? value];
    return undefined;
  }

  [Symbol.iterator](): Generator<[string, V], undefined> {
    return this.entries();
  }
}
