import { LedgerClosed } from '../errors.ts';
import { unlessAborted } from '../abort.ts';
import type { Files } from './files.ts';
import { Stage } from './stage.ts';

/** Most operations and bytes in one batch, so that no batch keeps its callers waiting for long. */
const MOST_AT_ONCE = 1_000;
const MOST_BYTES_AT_ONCE = 8_000_000;

interface Job {
  readonly bytes: number;
  readonly signal: AbortSignal;
  /** Evaluates on the stage; the returned function tells the caller, once the batch is on disk. */
  readonly run: (stage: Stage) => () => void;
  readonly fail: (fault: unknown) => void;
}

/**
 * One writer, one batch at a time: whatever was asked for while a batch was on its way to the disk shares
 * the next one, and its sync.
 */
export class Writer {
  readonly #files: Files;
  readonly #published: () => void;
  #queue: Job[] = [];
  #busy: Promise<void> | undefined;
  /** Why no more is taken. */
  #ended: Error | undefined;

  constructor(files: Files, published: () => void) {
    this.#files = files;
    this.#published = published;
  }

  /** What `work` returns or throws on the stage, once it is durable; `bytes` is about what it writes. */
  submit<T>(work: (stage: Stage) => T, signal: AbortSignal, bytes = 0): Promise<T> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.#ended) return Promise.reject(this.#ended);
    const done = new Promise<T>((resolve, reject) => {
      const run = (stage: Stage) => {
        const result = work(stage);
        return () => {
          resolve(result);
        };
      };
      this.#queue.push({ bytes, signal, run, fail: reject });
    });
    this.#busy ??= this.#drain();
    return unlessAborted(done, signal);
  }

  /** Takes no more, and resolves when what was taken is settled. */
  async close(): Promise<void> {
    this.#ended ??= new LedgerClosed();
    await this.#busy;
  }

  async #drain(): Promise<void> {
    // Calls of the same turn share the first batch too.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const jobs = this.#queue.splice(0, this.#nextCount());
      await this.#batch(jobs).catch((fault: unknown) => this.#end(fault as Error, jobs));
    }
    this.#busy = undefined;
  }

  #nextCount(): number {
    let count = 0;
    let bytes = 0;
    for (const job of this.#queue) {
      bytes += job.bytes;
      if (count > 0 && (count >= MOST_AT_ONCE || bytes > MOST_BYTES_AT_ONCE)) break;
      count += 1;
    }
    return count;
  }

  async #batch(jobs: readonly Job[]): Promise<void> {
    const stage = new Stage(this.#files.state);
    const tell = jobs.flatMap((job) => this.#evaluate(job, stage));
    if (stage.steps.length + stage.holdings.size > 0) {
      await this.#files.write(stage, this.#files.state.history.forget());
      this.#files.state.apply(stage.steps);
    }
    for (const settle of tell) settle();
    if (stage.steps.length > 0) this.#published();
  }

  #evaluate(job: Job, stage: Stage): (() => void)[] {
    if (job.signal.aborted) return [];
    try {
      return [job.run(stage)];
    } catch (fault) {
      job.fail(fault);
      return [];
    }
  }

  /** What is on disk is not known any more, so nothing may build on it. */
  #end(fault: Error, jobs: readonly Job[]): void {
    this.#ended = fault;
    for (const { fail } of [...jobs, ...this.#queue]) fail(fault);
    this.#queue = [];
  }
}
