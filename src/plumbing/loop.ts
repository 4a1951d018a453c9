import type { Clock } from './clock.ts';
import { bySignal } from './deadline.ts';
import { TurnTooLong } from './errors.ts';
import type { Log } from './log.ts';

export interface LoopOptions {
  /** Pause after a turn that went well. */
  readonly everyMs: number;
  /** Pause after the first failed turn; doubles with each further one. */
  readonly backoffMs: number;
  /** Longest pause after failed turns. */
  readonly backoffCapMs: number;
  /** Longest a turn may take; its signal is aborted then, and the turn counts as failed. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** For /ready: what is waited for, by name. */
export interface LoopState {
  readonly name: string;
  /** The last turn went well. False before the first has ended. */
  readonly ok: boolean;
  /** Turns ended, good or bad. */
  readonly turns: number;
  /** Why the last turn failed; absent when it went well. */
  readonly lastFault?: string;
  /** When a turn last went well, ms since the epoch. */
  readonly lastOkMs?: number;
}

export interface Loop {
  state(): LoopState;
  /** Ends the pause. During a turn: the next follows at once. */
  wake(): void;
  /** Aborts the turn that runs and waits for its end. Idempotent. */
  stop(): Promise<void>;
}

export type Turn = (signal: AbortSignal) => Promise<void>;

/** One turn at a time, for ever. A failed turn is logged, once per run of equal faults, and tried again. */
export function startLoop(name: string, turn: Turn, options: LoopOptions): Loop {
  const running = new Turns(name, turn, options);
  const ended = running.run();
  return {
    state: () => running.state(),
    wake: () => running.wake(),
    stop: () => {
      running.stop();
      return ended;
    },
  };
}

const textOf = (fault: unknown): string => (fault instanceof Error ? fault.message : String(fault));

class Turns {
  readonly #name: string;
  readonly #turn: Turn;
  readonly #options: LoopOptions;
  readonly #stopped = new AbortController();
  #pause = new AbortController();
  #woken = false;
  #state: LoopState;
  #failed = 0;

  constructor(name: string, turn: Turn, options: LoopOptions) {
    this.#name = name;
    this.#turn = turn;
    this.#options = options;
    this.#state = { name, ok: false, turns: 0 };
  }

  state(): LoopState {
    return this.#state;
  }

  wake(): void {
    this.#woken = true;
    this.#pause.abort();
  }

  stop(): void {
    this.#stopped.abort();
    this.#pause.abort();
  }

  async run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      this.#woken = false;
      await this.#once(signal);
      await this.#rest(signal);
    }
  }

  async #once(stopped: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    try {
      await this.#bounded(stopped);
      this.#failed = 0;
      this.#state = {
        name: this.#name,
        ok: true,
        turns: this.#state.turns + 1,
        lastOkMs: clock.now(),
      };
    } catch (fault: unknown) {
      if (stopped.aborted) return;
      this.#failed += 1;
      const lastFault = textOf(fault);
      if (this.#state.lastFault !== lastFault)
        log.warn('a turn failed', { loop: this.#name, fault: lastFault });
      this.#state = { ...this.#state, ok: false, turns: this.#state.turns + 1, lastFault };
    }
  }

  /** The deadline runs on the loop's clock, so that a held clock holds it too. */
  async #bounded(stopped: AbortSignal): Promise<void> {
    const { clock, deadlineMs } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([stopped, over.signal]);
    const timer = new AbortController();
    clock.sleep(deadlineMs, timer.signal).then(
      () => over.abort(new TurnTooLong(this.#name, deadlineMs)),
      () => undefined, // the turn was faster
    );
    try {
      await bySignal(signal, this.#turn);
    } finally {
      timer.abort();
    }
  }

  async #rest(stopped: AbortSignal): Promise<void> {
    if (stopped.aborted || this.#woken) return;
    this.#pause = new AbortController();
    await this.#options.clock.sleep(this.#pauseMs(), this.#pause.signal).catch(() => undefined);
  }

  #pauseMs(): number {
    const { everyMs, backoffMs, backoffCapMs } = this.#options;
    if (this.#failed === 0) return everyMs;
    return Math.min(backoffCapMs, backoffMs * 2 ** Math.min(this.#failed - 1, 30));
  }
}
