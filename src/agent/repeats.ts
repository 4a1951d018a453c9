import type { Clock } from '../plumbing/clock.ts';

/** Docker makes a call whose answer it did not get again for 15 s. */
export const REPEATS_MS = 16_000;

/**
 * Which releases may be an earlier holding's once more. What rests is nobody's as long as Docker repeats
 * itself, but an address that is asked for by name may be another container's at once: a repeat would then
 * take it away from that one. Docker repeats what it got no answer to. What an agent left unanswered that was
 * killed is not known, so for those seconds after the start it may be anything.
 */
export class Repeats {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #startMs: number;
  readonly #unheard = new Map<string, number>();
  readonly #named = new Map<string, number>();

  /** @param afterKill the agent before did not end by itself */
  constructor(clock: Pick<Clock, 'now'>, afterKill = false) {
    this.#clock = clock;
    this.#startMs = afterKill ? clock.now() : -Infinity;
  }

  /** Docker did not hear that the address was taken back. */
  unheard(address: string): void {
    this.#note(this.#unheard, address);
  }

  /** The address was handed out to one who named it. */
  named(address: string): void {
    this.#note(this.#named, address);
  }

  /** The agent before handed it out to one who named it, at `sinceMs`. */
  inherited(address: string, sinceMs: number): void {
    if (this.#startMs - sinceMs <= REPEATS_MS) this.#note(this.#named, address);
  }

  /** Whether a release of the address that comes now may be of whoever had it before. */
  mayBe(address: string): boolean {
    const nowMs = this.#clock.now();
    const namedMs = this.#named.get(address) ?? -Infinity;
    const lostMs = Math.max(this.#startMs, this.#unheard.get(address) ?? -Infinity);
    return lostMs <= namedMs && nowMs - lostMs <= REPEATS_MS;
  }

  #note(map: Map<string, number>, address: string): void {
    const nowMs = this.#clock.now();
    for (const [other, atMs] of map) if (nowMs - atMs > REPEATS_MS) map.delete(other);
    map.set(address, nowMs);
  }
}
