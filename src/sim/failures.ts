/** Launches that failed for lack of an address, by the minute. */
export class Failures {
  readonly #now: () => number;
  readonly #startMs: number;
  /** Of the last 60 s only, so that a long run does not grow. */
  #recent: number[] = [];
  readonly #minutes: number[] = [];
  readonly #apps = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
    this.#startMs = now();
  }

  record(app: string): void {
    const now = this.#now();
    const minute = this.#minute(now);
    this.#recent = [...this.#recent.filter((at) => at > now - 60_000), now];
    this.#minutes[minute] = (this.#minutes[minute] ?? 0) + 1;
    this.#apps.set(app, this.of(app) + 1);
  }

  total(): number {
    return [...this.#apps.values()].reduce((sum, count) => sum + count, 0);
  }

  of(app: string): number {
    return this.#apps.get(app) ?? 0;
  }

  /** Failures of the last 60 s. */
  lastMinute(): number {
    return this.#recent.filter((at) => at > this.#now() - 60_000).length;
  }

  /** One count per minute since the start; the last minute may be unfinished. */
  minutes(): number[] {
    const length = this.#minute(this.#now()) + 1;
    return Array.from({ length }, (_none, minute) => this.#minutes[minute] ?? 0);
  }

  #minute(at: number): number {
    return Math.floor((at - this.#startMs) / 60_000);
  }
}
