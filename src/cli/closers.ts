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
    for (let one = this.#all.pop(); one; one = this.#all.pop())
      await one
        .close()
        .catch((fault: unknown) =>
          this.#log.warn('could not be ended', { name: one?.name, fault: String(fault) }),
        );
  }
}
