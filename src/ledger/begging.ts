import type { Clock } from '../plumbing/clock.ts';
import { NoAddressLeft } from './lease-errors.ts';

const BEG_MS = 1_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 200;

/** Says in the ledger that this node starves, or no longer does. */
export interface BeggingHands {
  readonly starve: (pools: readonly string[], signal: AbortSignal) => Promise<void>;
  readonly served: (pools: readonly string[], signal: AbortSignal) => Promise<void>;
}

/**
 * Where every address is taken, but other nodes keep some in stock: says so, and asks again for a while,
 * for they give them back.
 */
export class Begging {
  readonly #clock: Clock;
  readonly #begMs: number;
  readonly #hands: BeggingHands;
  readonly #pools = new Set<string>();

  constructor(
    { clock, begMs = BEG_MS }: { readonly clock: Clock; readonly begMs?: number },
    hands: BeggingHands,
  ) {
    this.#clock = clock;
    this.#begMs = begMs;
    this.#hands = hands;
  }

  /** @throws what `ask` throws in the end */
  async serve<Grant extends { readonly pool: string }>(
    ask: () => Promise<Grant>,
    signal: AbortSignal,
  ): Promise<Grant> {
    let leftMs = this.#begMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2))
      try {
        const grant = await ask();
        this.#thank(grant.pool);
        return grant;
      } catch (fault) {
        const pools = stockedElsewhere(fault);
        if (pools.length === 0 || leftMs <= 0) throw fault;
        const begun = leftMs < this.#begMs;
        leftMs -= pauseMs;
        // the refusal says more than that the time is up
        await (begun ? undefined : this.#beg(pools, signal))?.catch(() => undefined);
        await this.#clock.sleep(pauseMs, signal).catch(() => undefined);
        if (signal.aborted) throw fault;
      }
  }

  async #beg(pools: readonly string[], signal: AbortSignal): Promise<void> {
    for (const pool of pools) this.#pools.add(pool);
    await this.#hands.starve(pools, signal);
  }

  /** In the background: the grant does not wait for it. Failing that, others believe it a while longer. */
  #thank(pool: string): void {
    if (!this.#pools.delete(pool)) return;
    this.#hands.served([pool], AbortSignal.timeout(BEG_MS)).catch(() => undefined);
  }
}

const stockedElsewhere = (fault: unknown): readonly string[] =>
  fault instanceof NoAddressLeft
    ? fault.pools.filter(({ spare }) => spare > 0).map(({ pool }) => pool)
    : [];
