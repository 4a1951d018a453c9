/** Few keys are compared one by one; a set for each small object would cost more than the parse. */
const FEW = 8;

/** The keys of one object, each to be seen once. Reused from object to object. */
export class SeenKeys {
  #few: string[] = [];
  #many: Set<string> | undefined;

  /** @returns false when the key was there already */
  add(key: string): boolean {
    if (this.#many) {
      const before = this.#many.size;
      return this.#many.add(key).size > before;
    }
    if (this.#few.includes(key)) return false;
    this.#few.push(key);
    if (this.#few.length > FEW) this.#many = new Set(this.#few);
    return true;
  }

  clear(): void {
    this.#few = [];
    this.#many = undefined;
  }
}
