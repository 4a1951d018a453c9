import type { Refusal } from '../core/errors.ts';
import type { Failure } from '../core/failure-record.ts';
import type { Door } from '../ledger/desk.ts';
import { shortageIn } from '../ledger/failures.ts';
import type { Clock } from '../plumbing/clock.ts';

/** A container that was to start and got no address; nobody knows yet whose it is. */
export type Refused = Pick<Failure, 'atMs' | 'network' | 'short' | 'why'>;

/** Why no container may start on this node now; undefined when one may. */
export type Bar = (network: string) => Refusal | undefined;

interface Ask {
  readonly by: Door;
  readonly network: string;
}

/** Who may keep containers from starting, and who wants to hear of launches that were refused. */
export class LaunchRefusals {
  readonly #clock: Clock;
  readonly #bars = new Set<Bar>();
  readonly #listeners = new Set<(refused: Refused) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on a container gets an address only where this says nothing. @returns what ends that */
  barredBy(bar: Bar): () => void {
    this.#bars.add(bar);
    return () => void this.#bars.delete(bar);
  }

  /** Calls back after every launch that is refused for lack of room. @returns what ends that */
  onRefused(listener: (refused: Refused) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @throws what the first of the bars says */
  check({ by, network }: Ask): void {
    if (by === 'aux') return;
    for (const bar of this.#bars) {
      const fault = bar(network);
      if (fault) throw fault;
    }
  }

  /** What Docker asks for itself is no launch, and not every fault is a lack of room. */
  tell({ by, network }: Ask, fault: unknown): void {
    const short = by === 'docker' ? shortageIn(fault) : undefined;
    if (short === undefined || !(fault instanceof Error)) return;
    const refused = { atMs: this.#clock.now(), network, short, why: fault.message };
    for (const listener of this.#listeners) listener(refused);
  }
}
