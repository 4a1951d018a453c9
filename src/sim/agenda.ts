import type { SimClock } from './virtual-clock.ts';

interface Entry {
  readonly at: number;
  readonly task: () => void;
}

/** Everything the pretend cluster will do later, in order of time. One thing happens at once. */
export class Agenda {
  readonly #clock: SimClock;
  readonly #onFault: (fault: unknown) => void;
  readonly #entries: Entry[] = [];
  #wake = new AbortController();
  #stopped = false;

  constructor(clock: SimClock, onFault: (fault: unknown) => void) {
    this.#clock = clock;
    this.#onFault = onFault;
  }

  now(): number {
    return this.#clock.now();
  }

  /** Does `task` in `ms`; the answer cancels it. Equal times keep the order of asking. */
  after(ms: number, task: () => void): () => void {
    const entry: Entry = { at: this.now() + Math.max(0, ms), task };
    const place = this.#entries.findIndex(({ at }) => at > entry.at);
    this.#entries.splice(place < 0 ? this.#entries.length : place, 0, entry);
    if (this.#entries[0] === entry) this.#wake.abort();
    return () => {
      const index = this.#entries.indexOf(entry);
      if (index >= 0) this.#entries.splice(index, 1);
    };
  }

  /** Does `task` every `ms` until the answer is called. */
  every(ms: number, task: () => void): () => void {
    let cancel = this.after(ms, again.bind(this));
    function again(this: Agenda): void {
      cancel = this.after(ms, again.bind(this));
      task();
    }
    return () => {
      cancel();
    };
  }

  /** Follows `work` to its end; a virtual clock stands still meanwhile. */
  spawn(work: Promise<void>): void {
    const watched = work.catch(this.#onFault);
    this.#clock.hold?.(watched);
  }

  /** Lives until `stop`. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      this.#wake = new AbortController();
      const first = this.#entries[0];
      const wait = first ? first.at - this.now() : IDLE_MS;
      const slept = await this.#clock.sleep(Math.max(0, wait), this.#wake.signal).then(
        () => true,
        () => false,
      );
      if (slept) this.#runDue();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#entries.length = 0;
    this.#wake.abort();
  }

  #runDue(): void {
    for (let first = this.#entries[0]; first && first.at <= this.now(); first = this.#entries[0]) {
      this.#entries.shift();
      try {
        first.task();
      } catch (fault) {
        this.#onFault(fault);
      }
    }
  }
}

/** With nothing planned the loop still looks around once in a while. */
const IDLE_MS = 3_600_000;
