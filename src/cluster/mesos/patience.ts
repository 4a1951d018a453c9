/** Nothing came for too long. */
export class NothingCame extends Error {
  override readonly name = 'NothingCame';
  constructor(readonly withinMs: number) {
    super(`nothing came within ${withinMs} ms`);
  }
}

/** A wait that may go on as long as something happens. `signal` says when it is over. */
export class Patience {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  /** @param outer  ends the wait as well */
  constructor(outer: AbortSignal, withinMs: number) {
    const over = new AbortController();
    this.#timer = setTimeout(() => over.abort(new NothingCame(withinMs)), withinMs);
    this.signal = AbortSignal.any([outer, over.signal]);
  }

  /** Something happened: the wait begins anew. */
  renew(): void {
    this.#timer.refresh();
  }

  /** The wait is over, well or not. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
