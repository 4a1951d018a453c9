/** How an app slows down after failures, in seconds. */
export interface BackoffRule {
  readonly seconds: number;
  readonly factor: number;
  readonly maxSeconds: number;
}

interface Delay {
  readonly rule: BackoffRule;
  readonly ms: number;
  /** Launches of this configuration wait until then, ms since the epoch. */
  readonly until: number;
  /** Last failure or launch step, ms since the epoch. */
  readonly since: number;
}

/**
 * Marathon's launch back-off. Keys are one configuration of one spec: a config change starts
 * without delay. A failure counts per instance; a success never lowers a delay, but an entry that
 * nothing touched for the rule's maximum is forgotten by `sweep`.
 */
export class Backoff {
  readonly #delays = new Map<string, Delay>();

  /** Milliseconds from `now` until launches are allowed; 0 when they are. */
  left(key: string, now: number): number {
    return Math.max(0, (this.#delays.get(key)?.until ?? now) - now);
  }

  /** The time until which launches wait, if a delay is on record, ms since the epoch. */
  until(key: string): number | undefined {
    return this.#delays.get(key)?.until;
  }

  /** One instance failed. */
  failed(key: string, rule: BackoffRule, now: number): void {
    const before = this.#delays.get(key);
    const cap = rule.maxSeconds * 1000;
    const ms = Math.min(before ? before.ms * rule.factor : rule.seconds * 1000, cap);
    this.#delays.set(key, { rule, ms, until: now + ms, since: now });
  }

  /** A launch step happened: the current window starts again. */
  advanced(key: string, now: number): void {
    const before = this.#delays.get(key);
    if (before) this.#delays.set(key, { ...before, until: now + before.ms, since: now });
  }

  reset(key: string): void {
    this.#delays.delete(key);
  }

  /** Forgets what is older than its maximum; Marathon does so every 10 s. */
  sweep(now: number): void {
    for (const [key, { rule, since }] of this.#delays)
      if (now - since > rule.maxSeconds * 1000) this.#delays.delete(key);
  }
}
