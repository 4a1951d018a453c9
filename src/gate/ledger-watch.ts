import { LedgerBehind } from './errors.ts';

type Work<T> = () => Promise<T>;

/** Tells a ledger that does not answer from a gate that has too much to do. */
export class LedgerWatch {
  #silent = false;

  /** A call to the ledger. @throws LedgerBehind when the signal ends it; what `work` throws */
  async call<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
    try {
      const answer = await work();
      this.#silent = false;
      return answer;
    } catch (fault) {
      if (!endedBy(signal, fault)) throw fault;
      this.#silent = true;
      throw silent(fault);
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
