import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';

export interface MissesDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** A look at everything, which finds what was missed. */
  readonly look: () => void;
}

/** Misses within that long are healed by one look, ms. */
export const HEAL_AFTER_MS = 1_000;

/** Events that could not be made use of: counted, told, and healed by a look a moment later. */
export class Misses {
  readonly #deps: MissesDeps;
  /** From then on nothing counts as missed, and no look is asked for. */
  readonly #stopped: AbortSignal;
  #count = 0;
  #isLookDue = false;

  constructor(deps: MissesDeps, stopped: AbortSignal) {
    this.#deps = deps;
    this.#stopped = stopped;
  }

  get count(): number {
    return this.#count;
  }

  add(why: string): void {
    if (this.#stopped.aborted) return;
    this.#count += 1;
    this.#deps.log.warn('an event of docker could not be made use of', { why });
    if (this.#isLookDue) return;
    this.#isLookDue = true;
    this.#deps.clock.sleep(HEAL_AFTER_MS, this.#stopped).then(
      () => {
        this.#isLookDue = false;
        this.#deps.look();
      },
      () => undefined, // stopped
    );
  }
}
