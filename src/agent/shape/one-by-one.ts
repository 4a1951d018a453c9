/** Runs what it is given one after the other, in order; what fails fails for its caller only. */
export class OneByOne {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when what was given so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
