import type { ShapeStep } from '../../core/shape-step.ts';
import type { Limit } from '../../core/shape.ts';
import type { Ask } from './asks.ts';
import { KernelRefused } from './errors.ts';
import type { Refused } from './hands.ts';
import type { InForce } from './meter.ts';
import type { Fault } from './shaper-deps.ts';
import type { Standing } from './standing.ts';
import type { Told } from './telling.ts';
import { inClassOf, stands, unmetOf } from './unmet.ts';

/** What a pass came to. */
export interface Conclusion {
  /** What it was about, as it was wanted then. */
  readonly judged: readonly Ask[];
  /** Limits that were seen in the kernel. */
  readonly verified: readonly Limit[];
  readonly inForce: InForce;
  readonly faults: readonly Fault[];
  /** Nothing was left undone. */
  readonly settled: boolean;
  /** What was left undone; for the loop, which tries again. */
  readonly refusal: KernelRefused | undefined;
}

/** Before the first pass. */
export const NOTHING_KNOWN: Conclusion = {
  ...{ judged: [], verified: [], faults: [], settled: false, refusal: undefined },
  inForce: { limits: [], shape: new Map() },
};

/** What a pass left, after the kernel was read back. */
export interface Outcome {
  /** Steps that would still be needed. */
  readonly open: readonly ShapeStep[];
  readonly refused: readonly Refused[];
  /** Interfaces that were looked at and compared. */
  readonly scope: ReadonlySet<string>;
}

/** Which limits hold and which do not; of an interface that nobody looked at yet nothing is said. */
export function conclude(
  told: Told,
  { open, refused, scope }: Outcome,
  { seen, shape }: Pick<Standing, 'seen' | 'shape'>,
): Conclusion {
  const classes = told.limits.map((limit) => inClassOf(limit, told.sharers));
  const known = classes.filter(({ hostInterface: at }) => seen.has(at) || scope.has(at));
  const faults = [...told.faults, ...unmetOf(known, { open, refused, seen })];
  const failed = new Set(faults.map(({ address }) => address));
  const limits = told.limits.filter(({ address }) => !failed.has(address));
  const stood = new Set(
    classes.flatMap((one) => (stands(one, { shape, wanted: told.shape }) ? one.address : [])),
  );
  return {
    judged: told.asks,
    verified: limits.filter(({ address }) => stood.has(address)),
    inForce: { limits, shape: told.shape },
    faults,
    settled: open.length === 0,
    refusal: open.length === 0 ? undefined : new KernelRefused(refused, open.length),
  };
}
