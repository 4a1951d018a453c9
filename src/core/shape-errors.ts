import { Refusal } from './errors.ts';

/** What tc or ip printed cannot be understood; nothing is changed on the strength of it. */
export class UnreadableKernel extends Refusal {
  readonly code = 'unreadable-kernel';
  readonly remedy = 'iproute2 5.0 or later is needed; run the quoted command by hand to see';
  constructor(
    readonly command: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`the output of "${command}" cannot be read: ${why}`, options);
  }
}
