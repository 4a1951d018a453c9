import type { Clock } from '../plumbing/clock.ts';

/** Docker makes a call whose answer it did not get again for 15 s. */
export const REPEATS_MS = 16_000;

/**
 * Which releases may be an earlier holding's once more. What rests is nobody's as long as Docker repeats
 * itself, but an address that is asked for by name may be another container's at once: a repeat would then
 * take it away from that one. Docker repeats what it got no answer to; what an agent that was killed left
 * unanswered is not known here.
 */
export class Repeats {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #unheard = new Map<string, number>();
  readonly #named = new Map<string, number>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Docker did not hear that the address was taken back. */
  unheard(address: string): void {
    this.#note(this.#unheard, address);
  }

  /** The address was handed out to one who named it. */
  named(address: string): void {
    this.#note(this.#named, address);
  }

  /** Whether a release of the address that comes now may be of whoever had it before. */
  mayBe(address: string): boolean {
    const nowMs = this.#clock.now();
    const namedMs = this.#named.get(address) ?? -Infinity;
    const lostMs = this.#unheard.get(address) ?? Infinity;
    return lostMs <= namedMs && nowMs - lostMs <= REPEATS_MS;
  }

  #note(map: Map<string, number>, address: string): void {
    const nowMs = this.#clock.now();
    for (const [other, atMs] of map) if (nowMs - atMs > REPEATS_MS) map.delete(other);
    map.set(address, nowMs);
  }
}
