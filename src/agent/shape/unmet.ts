import { isDeepStrictEqual } from 'node:util';
import type { Seen } from '../../core/shape-seen.ts';
import type { ShapeStep } from '../../core/shape-step.ts';
import type { WantedShape } from '../../core/shape-wanted.ts';
import {
  ifbOf,
  type Limit,
  LINK_MINOR,
  type Shape,
  SHARED_IN,
  SHARED_OUT,
} from '../../core/shape.ts';
import type { Refused } from './hands.ts';
import type { Fault } from './shaper-deps.ts';

interface Outcome {
  /** Steps that would still be needed. */
  readonly open: readonly ShapeStep[];
  readonly refused: readonly Refused[];
  /** What was read back. */
  readonly seen: Seen;
}

/** Limits that the kernel does not show as they are wanted, each with the first reason known. */
export function unmetOf(limits: readonly Limit[], outcome: Outcome): readonly Fault[] {
  return limits.flatMap((limit): readonly Fault[] => {
    const { address, hostInterface } = limit;
    if (!outcome.seen.has(hostInterface))
      return [{ address, says: `interface "${hostInterface}" is gone`, passing: true }];
    if (!outcome.open.some((step) => concerns(step, limit))) return [];
    const reasons = outcome.refused.filter(({ step }) => concerns(step, limit));
    const reason = reasons.find(({ says }) => !isPassing(says)) ?? reasons[0];
    if (!reason) return [{ address, says: 'the kernel does not show what was asked of it' }];
    const says = `the kernel refused "${reason.line}": ${reason.says}`;
    return [{ address, says, ...(isPassing(reason.says) && { passing: true }) }];
  });
}

/** A second address of an interface stands or falls with the first. */
export const inClassOf = (limit: Limit, sharers: WantedShape['sharers']): Limit => ({
  ...limit,
  classMinor: sharers.get(limit.address)?.classMinor ?? limit.classMinor,
});

const SHARED = [SHARED_IN, SHARED_OUT];

/** Whether all that a limit rests on was found to be as it is wanted by now. */
export function stands(
  { hostInterface, classMinor }: Limit,
  { shape, wanted }: { readonly shape: Shape; readonly wanted: Shape },
): boolean {
  const isSame = (name: string): boolean => isDeepStrictEqual(shape.get(name), wanted.get(name));
  const classAt = (all: Shape, name: string) => all.get(name)?.tree?.classes.get(classMinor);
  return (
    wanted.has(hostInterface) &&
    [hostInterface, ifbOf(classMinor)].every(isSame) &&
    SHARED.every((name) => isDeepStrictEqual(classAt(shape, name), classAt(wanted, name)))
  );
}

/** Words of errno(3), as tc and ip say them, that speak of the moment and not of what was asked. */
const PASSING = [
  /cannot find device/i,
  /no such device/i,
  /resource busy/i,
  /cannot allocate memory/i,
  /no buffer space/i,
  /resource temporarily unavailable/i,
  /interrupted system call/i,
  /left out/,
];
const isPassing = (says: string): boolean => PASSING.some((words) => words.test(says));

/** A step on an interface of its own, on its class of a shared tree, or on what that tree rests on. */
function concerns(step: ShapeStep, { hostInterface, classMinor }: Limit): boolean {
  if (step.link === hostInterface || step.link === ifbOf(classMinor)) return true;
  if (step.link !== SHARED_IN && step.link !== SHARED_OUT) return false;
  if (step.do === 'sort') return step.sorting.minor === classMinor;
  return 'minor' in step
    ? step.minor === classMinor || step.minor === LINK_MINOR
    : RESTS_ON.has(step.do);
}

const RESTS_ON: ReadonlySet<ShapeStep['do']> = new Set(['make-ifb', 'raise-ifb', 'set-root']);
