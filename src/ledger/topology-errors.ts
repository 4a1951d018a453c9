import { Refusal } from '../core/errors.ts';

/** Someone else changed the same thing since it was looked at. */
export class TopologyMoved extends Refusal {
  readonly code = 'topology-moved';
  readonly remedy = 'look at the difference again, then apply again';
  constructor(
    readonly kind: string,
    readonly thing: string,
  ) {
    super(`${kind} "${thing}" was changed by someone else meanwhile`);
  }
}

/** One commit cannot guard every block that a change bears on. */
export class TooManyBlocks extends Refusal {
  readonly code = 'too-many-blocks';
  readonly remedy = 'change the pool in smaller steps';
  constructor(
    readonly pool: string,
    readonly blocks: number,
    readonly most: number,
  ) {
    super(
      `the change of pool "${pool}" bears on ${blocks} blocks in use, over the limit of ${most}`,
    );
  }
}
