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
  readonly #over = new AbortController();
  readonly #outer: AbortSignal;
  #timer: NodeJS.Timeout;

  /** @param outer  ends the wait as well */
  constructor(outer: AbortSignal, withinMs: number) {
    this.#timer = this.#start(withinMs);
    this.signal = AbortSignal.any([outer, this.#over.signal]);
    this.#outer = outer;
    outer.addEventListener('abort', this.#end, { once: true });
  }

  /** From now on the wait may be this long. */
  within(withinMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start(withinMs);
  }

  /** Something happened: the wait begins anew. */
  renew(): void {
    this.#timer.refresh();
  }

  /** The wait is over, well or not. */
  end(): void {
    this.#outer.removeEventListener('abort', this.#end);
    this.#end();
  }

  /** A reader that is left where it waits does not come to its own end. */
  readonly #end = (): void => clearTimeout(this.#timer);

  #start(withinMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#over.abort(new NothingCame(withinMs)), withinMs);
  }
}
