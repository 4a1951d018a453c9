import { Refusal } from '../core/errors.ts';
import type { Desk, TakeAsk } from '../ledger/desk.ts';
import { LedgerUnreachable } from '../ledger/errors.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';

export interface OwnerDeps {
  readonly desk: Desk;
  readonly clock: Clock;
  readonly log: Log;
  readonly holds: (address: string, incarnation: string) => boolean;
}

export type NamedAsk = TakeAsk & { readonly address: string };

/** For one try, ms. */
const WITHIN_MS = 5_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Writes into the ledger who got an address out of stock: at once, and again until it is done. Should
 * the address have been given up before, the lease ends with it.
 */
export class OwnerWriter {
  readonly #deps: OwnerDeps;
  readonly #pending = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(deps: OwnerDeps) {
    this.#deps = deps;
  }

  isPending(address: string): boolean {
    return this.#pending.has(address);
  }

  /** Goes on in the background. */
  write(ask: NamedAsk): void {
    const writing = this.#write(ask).finally(() => this.#pending.delete(ask.address));
    this.#pending.set(ask.address, writing);
    writing.catch(() => undefined); // only stopping ends it so
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the agent stops'));
    await Promise.allSettled(this.#pending.values());
  }

  async #write(ask: NamedAsk): Promise<void> {
    const { clock, log } = this.#deps;
    const { signal } = this.#stopping;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2))
      try {
        await this.#once(ask, AbortSignal.timeout(WITHIN_MS));
        return;
      } catch (fault) {
        if (fault instanceof Refusal && !(fault instanceof LedgerUnreachable)) {
          const { address, incarnation } = ask;
          log.error('the owner of an address could not be written', {
            ...{ address, incarnation, code: fault.code, fault: fault.message },
          });
          return; // the reconcile sees that the container runs, and says what is wrong
        }
        await clock.sleep(pauseMs, signal);
      }
  }

  async #once(ask: NamedAsk, signal: AbortSignal): Promise<void> {
    const { desk, holds } = this.#deps;
    const { address, incarnation } = ask;
    await desk.take(ask, signal);
    if (!holds(address, incarnation)) await desk.release(address, incarnation, signal);
  }
}
