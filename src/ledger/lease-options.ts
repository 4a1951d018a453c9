import type { Clock } from '../plumbing/clock.ts';

/** How long a released address rests, ms, unless told otherwise. */
export const COOL_DOWN_MS = 60_000;
/** How long it must have rested when nothing else is left, ms: longer than the 15 s of Docker's repeats. */
export const PRESSED_COOL_DOWN_MS = 16_000;

export interface LeaseOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long a released address rests, ms; default 60,000. */
  readonly coolDownMs?: number;
  /** An address that has rested this long is given when nothing else is left, ms; default 16,000. */
  readonly pressedCoolDownMs?: number;
  /** Times a lost race is run again; default 64, for every node may fight over one small block. */
  readonly attempts?: number;
  readonly chance?: () => number;
  /**
   * What is given back stays with the node, and rests there, as long as that is not too much for the
   * others; default: it goes back to its block.
   */
  readonly restsHere?: boolean;
  /** Where the last address of each pool was found: the search goes on there. A hint, kept by it. */
  readonly homes?: Map<string, bigint>;
}
