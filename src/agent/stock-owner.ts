import { Refusal } from '../core/errors.ts';
import type { Desk, TakeAsk } from '../ledger/desk.ts';
import { LedgerBusy, LedgerClosed, LedgerUnreachable } from '../ledger/errors.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';

export interface OwnerDeps {
  readonly desk: Desk;
  readonly clock: Clock;
  readonly log: Log;
  readonly holds: (address: string, incarnation: string) => boolean;
}

export type NamedAsk = TakeAsk & { readonly address: string };

/** A container has an address out of stock, and the ledger refuses to write that it has. */
export interface RefusedOwner {
  readonly address: string;
  readonly incarnation: string;
  /** The refusal, as code and in words. */
  readonly code: string;
  readonly says: string;
}

/** For one try, ms: begun anew it reads everything again, so it must not end while a slow ledger answers. */
const WITHIN_MS = 20_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Writes into the ledger who got an address out of stock: at once, and again until it is done. Should
 * the address have been given up before, the lease ends with it.
 *
 * What the ledger refuses stays out as long as somebody here has the address: given back, it would go to
 * another node, and two containers would run on it.
 */
export class OwnerWriter {
  readonly #deps: OwnerDeps;
  readonly #pending = new Map<string, Promise<void>>();
  readonly #refused = new Map<string, RefusedOwner>();
  readonly #stopping = new AbortController();

  constructor(deps: OwnerDeps) {
    this.#deps = deps;
  }

  /** It was handed out, and no lease says so yet. */
  isOut(address: string): boolean {
    return this.#pending.has(address) || this.#refused.has(address);
  }

  /** What the ledger refused and somebody here has all the same. */
  get refused(): readonly RefusedOwner[] {
    return [...this.#refused.values()];
  }

  /** A lease has been made of it by other ways. */
  settled(address: string): void {
    this.#refused.delete(address);
  }

  /** @returns what was refused and nobody here has any more */
  ended(): readonly string[] {
    const { holds } = this.#deps;
    const gone = this.refused.filter(({ address, incarnation }) => !holds(address, incarnation));
    for (const { address } of gone) this.#refused.delete(address);
    return gone.map(({ address }) => address);
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
    const { clock } = this.#deps;
    const { signal } = this.#stopping;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2))
      try {
        await this.#once(ask, AbortSignal.timeout(WITHIN_MS));
        return;
      } catch (fault) {
        if (fault instanceof Refusal && !mayPass(fault)) {
          this.#refuse(ask, fault);
          return; // the witness misses the lease, so the reconcile tries again and says what is wrong
        }
        await clock.sleep(pauseMs, signal);
      }
  }

  #refuse({ address, incarnation }: NamedAsk, { code, message: says }: Refusal): void {
    const { log, holds } = this.#deps;
    const one = { address, incarnation, code, says };
    const isHeld = holds(address, incarnation);
    log.error('an address was handed out of stock, and the ledger refuses its owner', {
      ...{ ...one, held: isHeld },
    });
    if (isHeld) this.#refused.set(address, one); // else it goes back with the next look at the stock
  }

  async #once(ask: NamedAsk, signal: AbortSignal): Promise<void> {
    const { desk, holds } = this.#deps;
    const { address, incarnation } = ask;
    await desk.take(ask, signal);
    if (!holds(address, incarnation)) await desk.release(address, incarnation, signal);
  }
}

/** No word on the address: it is asked again. */
const mayPass = (fault: Refusal): boolean =>
  fault instanceof LedgerUnreachable ||
  fault instanceof LedgerBusy ||
  fault instanceof LedgerClosed;
