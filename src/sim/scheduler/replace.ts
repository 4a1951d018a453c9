import type { UpgradeRule } from '../specs/spec.ts';

export interface ReplaceInput {
  /** Instances wanted of the new configuration. */
  readonly wanted: number;
  /** All instances on record now. */
  readonly all: number;
  /** Those that should run and are healthy, old and new. */
  readonly healthy: number;
  readonly rule: UpgradeRule;
  readonly resident: boolean;
}

export interface ReplaceBudget {
  /** Old instances killed before anything starts. */
  readonly killNow: number;
  /** Old ones not yet ended plus new ones stay at or below this. */
  readonly capacity: number;
}

/** How a rolling replacement begins, by the spec's minimum health and maximum over-capacity. */
export const replaceBudget = ({
  wanted,
  all,
  healthy,
  rule,
  resident,
}: ReplaceInput): ReplaceBudget => {
  const keep = Math.ceil(wanted * rule.minHealth);
  const ceiling = Math.trunc(wanted * (1 + rule.maxOver));
  // With no slack either way nothing could ever move: residents lose one, others gain one.
  const stuck = keep === ceiling && ceiling <= healthy;
  const surplus = stuck && resident ? healthy - keep + 1 : Math.max(0, healthy - keep);
  return {
    killNow: wanted < all ? Math.max(all - wanted, surplus) : surplus,
    capacity: stuck && !resident ? ceiling + 1 : ceiling,
  };
};
