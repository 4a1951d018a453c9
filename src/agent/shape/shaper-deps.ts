import type { Drift } from '../../core/shape-drift.ts';
import type { Kernel } from '../../core/shape.ts';
import type { Clock } from '../../plumbing/clock.ts';
import type { Log } from '../../plumbing/log.ts';
import type { LoopState } from '../../plumbing/loop.ts';
import type { Ask, Wanted } from './asks.ts';

/** What the shaper is handed. */
export interface ShaperDeps {
  /** Throws while it is not known: then nothing is changed. */
  readonly wanted: (signal: AbortSignal) => Promise<Wanted> | Wanted;
  /**
   * The same of what is known without asking anybody; undefined while that is nothing. Absent: what
   * `wanted` gave last.
   */
  readonly wantedNow?: () => Wanted | undefined;
  /** Told what each pass that ended made of what was wanted then. */
  readonly onPass?: (state: ShaperState, asks: readonly Ask[]) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Pause between two looks at the kernel, ms. */
  readonly everyMs: number;
  /** Path of the network namespace to act in; absent: our own. */
  readonly netns?: string;
}

/** Why an address's limit is not in force, in words. */
export interface Fault {
  readonly address: string;
  readonly says: string;
  /** It could not be looked at or tried just now: nothing is said of whether the kernel would do it. */
  readonly passing?: true;
}

/** What the last pass made of it. */
export interface ShaperState {
  readonly loop: LoopState;
  /** Absent until it was tried. */
  readonly kernel?: Kernel;
  /** Addresses whose limits the kernel shows as they are wanted. */
  readonly inForce: readonly string[];
  readonly faults: readonly Fault[];
  /** What was found changed by others and put right, since the start. */
  readonly drift: Readonly<Record<Drift, number>>;
  /** Steps carried out since the start. */
  readonly steps: number;
}
