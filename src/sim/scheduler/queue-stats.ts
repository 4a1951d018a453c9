import type { SimNode } from '../nodes.ts';

/** Why an offer was not used, in the order in which Marathon looks. */
export const REASONS = [
  'UnfulfilledRole',
  'UnfulfilledConstraint',
  'NoCorrespondingReservationFound',
  'AgentMaintenance',
  'InsufficientCpus',
  'InsufficientMemory',
  'InsufficientDisk',
  'InsufficientGpus',
  'InsufficientPorts',
  'DeclinedScarceResources',
] as const;

export type Reason = (typeof REASONS)[number];

export interface ReasonCount {
  readonly reason: Reason;
  readonly declined: number;
  readonly processed: number;
}

/** What became of the offers that one spec was shown. */
export class QueueStats {
  readonly sinceMs: number;
  processed = 0;
  unused = 0;
  lastUnusedMs: number | undefined;
  lastUsedMs: number | undefined;
  readonly #attempts: Reason[] = [];
  /** Node -> why its latest offer did not match. */
  readonly lastOffers = new Map<SimNode, Reason>();

  constructor(sinceMs: number) {
    this.sinceMs = sinceMs;
  }

  used(now: number): void {
    this.processed += 1;
    this.lastUsedMs = now;
  }

  refused(node: SimNode, reason: Reason, now: number): void {
    this.processed += 1;
    this.unused += 1;
    this.lastUnusedMs = now;
    this.#attempts.push(reason);
    this.lastOffers.set(node, reason);
    if (this.#attempts.length > KEEP_ATTEMPTS) this.#attempts.shift();
  }

  /** All ten reasons; each offer counts once, at the first that spoke against it. */
  launchAttempt(): ReasonCount[] {
    return funnel(this.#attempts);
  }

  lastOffersSummary(): ReasonCount[] {
    return funnel([...this.lastOffers.values()]);
  }
}

const KEEP_ATTEMPTS = 10_000;

const funnel = (reasons: readonly Reason[]): ReasonCount[] => {
  let left = reasons.length;
  return REASONS.map((reason) => {
    const declined = reasons.filter((one) => one === reason).length;
    const processed = left;
    left -= declined;
    return { reason, declined, processed };
  });
};
