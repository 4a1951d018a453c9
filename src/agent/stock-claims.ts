/** What one addition to the stock brings, as far as it may be handed out. */
export interface Addition {
  good(put: readonly string[]): readonly string[];
  end(): void;
}

/**
 * Addresses that are given by other ways than out of stock. An addition to the stock that was asked for first
 * may bring one of them: the ledger lets a node name what it keeps.
 */
export class Claims {
  readonly #open = new Map<string, number>();
  /** Given while something was being added to the stock, with the number of additions begun by then. */
  readonly #given = new Map<string, number>();
  #begun = 0;
  #underWay = 0;

  /** Somebody asks for this very address, and nobody has said yes or no. */
  isOpen(address: string): boolean {
    return this.#open.has(address);
  }

  /** @param work what gives the address, if it resolves */
  async during<T>(address: string, work: () => Promise<T>): Promise<T> {
    this.#open.set(address, (this.#open.get(address) ?? 0) + 1);
    try {
      const done = await work();
      if (this.#underWay > 0) this.#given.set(address, this.#begun);
      return done;
    } finally {
      const left = (this.#open.get(address) ?? 1) - 1;
      if (left > 0) this.#open.set(address, left);
      else this.#open.delete(address);
    }
  }

  /** Something is about to be added to the stock. */
  adding(): Addition {
    const begun = (this.#begun += 1);
    this.#underWay += 1;
    return {
      good: (put) => put.filter((address) => (this.#given.get(address) ?? 0) < begun),
      end: () => {
        this.#underWay -= 1;
        if (this.#underWay === 0) this.#given.clear();
      },
    };
  }
}
