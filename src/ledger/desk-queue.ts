import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { Clock } from '../plumbing/clock.ts';
import type { CachedStore } from './cache.ts';
import type { Asked, Job } from './desk-job.ts';
import { Waiter, whenAllGone } from './desk-job.ts';
import { LedgerClosed } from './errors.ts';
import type { Decide, Pace, Settled } from './transact-all.ts';
import { transactAll } from './transact-all.ts';

export interface QueueOptions {
  readonly cache: CachedStore;
  readonly clock: Clock;
  readonly chance?: (() => number) | undefined;
  /**
   * Rewrites a key that every commit of this queue is guarded by: once that is done, a commit whose
   * answer was lost has either arrived or never will.
   */
  readonly fence: Decide<unknown>;
  /** Told after each try whether the ledger answered. */
  readonly heard: (answered: boolean) => void;
}

/** Most decisions that one commit is tried with: each adds two writes at least. */
const MOST_TOGETHER = 64;
/** Rivals may be many; whoever waits has a deadline of its own. */
const ATTEMPTS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * One commit at a time. What was asked while it was under way is decided together, in the order of
 * asking, and shares the next one. An asker's signal takes that asker away and nobody else; what was
 * done for one who had gone is undone.
 */
export class DeskQueue {
  readonly #options: QueueOptions;
  readonly #closing = new AbortController();
  #waiting: Job[] = [];
  #working: Promise<void> | undefined;
  #failed = 0;
  readonly #pace: Pace = { level: 0, tookMs: 0 };
  #pause = new AbortController();

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** @throws the signal's reason, LedgerClosed, LedgerUnreachable, LedgerBusy, what `decide` throws */
  run<Result>(asked: Asked<Result>, signal: AbortSignal): Promise<Result> {
    if (signal.aborted || this.#closing.signal.aborted) {
      asked.closed?.();
      return Promise.reject(signal.aborted ? (signal.reason as Error) : new LedgerClosed());
    }
    return Waiter.for<Result>(signal, (waiter) => {
      this.#add({ ...asked, decide: waiter.caring(asked.decide), waiter });
      if (!this.#pause.signal.aborted) this.#pause.abort(); // each call makes a reason
    });
  }

  /** Ends once what was asked has ended; errands of its own that could not be done are left undone. */
  async close(): Promise<void> {
    this.#closing.abort(new LedgerClosed());
    this.#pause.abort();
    await this.#working;
  }

  #add(job: Job): void {
    this.#waiting.push(job);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    await Promise.resolve(); // those who ask in the same breath share the first commit
    for (let failed = false; this.#waiting.length > 0;) {
      if (failed && this.#errandsOnly()) await this.#rest();
      if (this.#closing.signal.aborted && failed && this.#errandsOnly()) break;
      failed = !(await this.#serve(this.#nextBatch()));
      await endOfTurn(); // whoever has been answered may ask again at once, and what has arrived is read
    }
    this.#working = undefined;
  }

  #errandsOnly(): boolean {
    return this.#waiting.every(({ waiter }) => waiter === undefined || waiter.gone);
  }

  #nextBatch(): readonly Job[] {
    const there = this.#waiting.filter(({ waiter }) => waiter?.gone !== true);
    for (const { waiter, closed } of this.#waiting) if (waiter?.gone === true) closed?.();
    this.#waiting = there.splice(MOST_TOGETHER);
    return there;
  }

  /** @returns false when the ledger did not let it be settled */
  async #serve(batch: readonly Job[]): Promise<boolean> {
    if (batch.length === 0) return true;
    try {
      const settled = await this.#commit(batch);
      this.#failed = 0;
      this.#options.heard(true);
      this.#waiting.unshift(...batch.slice(settled.length));
      settled.forEach((one, index) => this.#settle(batch[index] as Job, one));
      return true;
    } catch (fault) {
      this.#failed += 1;
      this.#options.heard(false);
      // before all that was asked since: what is undone later than that might be theirs by then
      this.#waiting.unshift(...batch.flatMap((job) => this.#fail(job, fault)));
      return false;
    }
  }

  async #commit(batch: readonly Job[]): Promise<readonly Settled<unknown>[]> {
    const { cache, clock, chance, fence, heard } = this.#options;
    const waiters = batch.flatMap(({ waiter }) => waiter ?? []);
    const leading = cache.inDoubt ? [fence] : [];
    const settled = await transactAll(cache, [...leading, ...batch.map(({ decide }) => decide)], {
      signal:
        waiters.length === 0 ? this.#closing.signal : whenAllGone(waiters, () => heard(false)),
      clock,
      attempts: ATTEMPTS,
      recheck: forgetOnce(cache),
      pace: this.#pace,
      ...(chance && { chance }),
    });
    for (const one of settled.slice(0, leading.length)) {
      if ('fault' in one) throw one.fault;
      cache.settled();
    }
    return settled.slice(leading.length);
  }

  #settle(job: Job, settled: Settled<unknown>): void {
    const { waiter, closed } = job;
    if (waiter?.gone === true && 'result' in settled) this.#undo(job);
    else {
      if (waiter?.gone !== true) waiter?.tell(settled);
      closed?.();
    }
  }

  /**
   * What is in doubt is undone, lest someone have an address of which nobody knows.
   *
   * @returns what is to be done next
   */
  #fail(job: Job, fault: unknown): readonly Job[] {
    const { waiter, undo, closed } = job;
    if (waiter?.gone === false) waiter.tell({ fault });
    if (!waiter && !(fault instanceof LedgerClosed)) return [job];
    if (waiter && undo && this.#options.cache.inDoubt) return [{ decide: undo, closed }];
    closed?.();
    return [];
  }

  #undo({ undo, closed }: Job): void {
    if (undo) this.#add({ decide: undo, closed });
    else closed?.();
  }

  /** Until it is worth while to try again, or somebody asks. */
  async #rest(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#pause = new AbortController();
    const ms = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failed - 1, 10));
    await this.#options.clock.sleep(ms, this.#pause.signal).catch(() => undefined);
  }
}

/** The first refusal of a batch is looked into once more, on fresh reads. */
function forgetOnce(cache: CachedStore): () => boolean {
  let forgotten = false;
  return () => {
    if (forgotten) return false;
    forgotten = true;
    cache.forget();
    return true;
  };
}
