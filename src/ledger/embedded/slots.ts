import { unlessAborted } from '../abort.ts';

/** Most commits of one client on their way at once; more wait. */
const MOST_SLOTS = 512;

/**
 * Numbers for commits on their way, used again and again, so that a client leaves few marks. The sequence
 * only grows: a request that comes late, after its slot was used again, is known by it.
 */
export class Slots {
  readonly #free: number[] = [];
  readonly #waiting: (() => void)[] = [];
  #made = 0;
  #sequence = 0;

  async use<T>(
    signal: AbortSignal,
    work: (operation: { readonly slot: number; readonly sequence: number }) => Promise<T>,
  ): Promise<T> {
    const slot = await this.#take(signal);
    this.#sequence += 1;
    try {
      return await work({ slot, sequence: this.#sequence });
    } finally {
      this.#free.push(slot);
      this.#waiting.shift()?.();
    }
  }

  async #take(signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      const free = this.#free.pop();
      if (free !== undefined) return free;
      if (this.#made < MOST_SLOTS) return this.#made++;
      await unlessAborted(new Promise<void>((resolve) => this.#waiting.push(resolve)), signal);
    }
  }
}
