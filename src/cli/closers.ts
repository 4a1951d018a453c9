import type { Log } from '../plumbing/log.ts';

/** Ends what was started, last first, and goes on past faults. */
export class Closers {
  readonly #all: { readonly name: string; readonly close: () => Promise<void> }[] = [];
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  add(name: string, close: () => Promise<void>): void {
    this.#all.push({ name, close });
  }

  async close(): Promise<void> {
    for (const { name, close } of this.#all.splice(0).reverse())
      await close().catch((fault: unknown) =>
        this.#log.warn('could not be ended', { name, fault: String(fault) }),
      );
  }
}
