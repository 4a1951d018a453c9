/** Nothing came for too long. */
export class NothingCame extends Error {
  override readonly name = 'NothingCame';
  constructor(readonly withinMs: number) {
    super(`nothing came within ${withinMs} ms`);
  }
}

/**
 * A wait that may go on as long as something happens. `signal` says when it is over. Where this process itself stood
 * still, what has come meanwhile is heard first: its timers are looked at before its connections.
 */
export class Patience {
  readonly signal: AbortSignal;
  readonly #over = new AbortController();
  readonly #outer: AbortSignal;
  #timer: NodeJS.Timeout;
  /** Grows whenever the wait begins anew, or ends. */
  #turns = 0;

  /** @param outer  ends the wait as well */
  constructor(outer: AbortSignal, withinMs: number) {
    this.#timer = this.#start(withinMs);
    this.signal = AbortSignal.any([outer, this.#over.signal]);
    this.#outer = outer;
    outer.addEventListener('abort', this.#end, { once: true });
  }

  /** From now on the wait may be this long. */
  within(withinMs: number): void {
    this.#end();
    this.#timer = this.#start(withinMs);
  }

  /** Something happened: the wait begins anew. */
  renew(): void {
    this.#turns += 1;
    this.#timer.refresh();
  }

  /** The wait is over, well or not. */
  end(): void {
    this.#outer.removeEventListener('abort', this.#end);
    this.#end();
  }

  /** A reader that is left where it waits does not come to its own end. */
  readonly #end = (): void => {
    this.#turns += 1;
    clearTimeout(this.#timer);
  };

  #start(withinMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      const turn = this.#turns;
      setImmediate(() => {
        if (this.#turns === turn) this.#over.abort(new NothingCame(withinMs));
      });
    }, withinMs);
  }
}
