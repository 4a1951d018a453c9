import type { Clock } from '../plumbing/clock.ts';
import { LedgerBehind } from './errors.ts';

type Work<T> = () => Promise<T>;

/** A ledger that has been waited for this long since its last answer, ms, is called silent. */
const PATIENCE_MS = 1_000;

/**
 * Tells a ledger that does not answer from a gate that has too much to do. What waited in line for long has
 * little time left for its call: that it got no answer in that time says nothing about the ledger.
 */
export class LedgerWatch {
  readonly #clock: Pick<Clock, 'now'>;
  /** In calls without an answer, since the last one that had one. */
  #waitedMs = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  get #silent(): boolean {
    return this.#waitedMs >= PATIENCE_MS;
  }

  /** A call to the ledger. @throws LedgerBehind when the signal ends it in vain; what `work` throws */
  async call<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
    const startMs = this.#clock.now();
    try {
      const answer = await work();
      this.#waitedMs = 0;
      return answer;
    } catch (fault) {
      if (!endedBy(signal, fault)) throw fault;
      this.#waitedMs += this.#clock.now() - startMs;
      throw this.#silent ? silent(fault) : fault;
    }
  }

  /** Waiting in line for such calls. @throws LedgerBehind when the one in front waits in vain */
  async line<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
    try {
      return await work();
    } catch (fault) {
      throw this.#silent && endedBy(signal, fault) ? silent(fault) : fault;
    }
  }
}

const endedBy = (signal: AbortSignal, fault: unknown): boolean =>
  signal.aborted && fault === signal.reason;

const silent = (cause: unknown): LedgerBehind =>
  new LedgerBehind('it did not answer in time', { cause });
