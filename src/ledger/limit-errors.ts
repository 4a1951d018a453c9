import { Refusal } from '../core/errors.ts';

/** Nothing holds what was named, so there is no limit to change. */
export class NoSuchHolding extends Refusal {
  readonly code = 'no-such-holding';
  readonly remedy = 'see corral lease list for what there is';
  constructor(readonly target: string) {
    super(`no lease belongs to ${target}`);
  }
}

/** Part of a container id that several have. */
export class AmbiguousContainer extends Refusal {
  readonly code = 'ambiguous-container';
  readonly remedy = 'give more digits of the id';
  constructor(
    readonly target: string,
    readonly containers: readonly string[],
  ) {
    super(`"${target}" is the start of ${containers.length} container ids`);
  }
}
