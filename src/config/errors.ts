import { Refusal } from '../core/errors.ts';

/** Settings that cannot be used. Every fault at once, each with the place it came from. */
export class BadSettings extends Refusal {
  readonly code = 'bad-settings';
  readonly remedy = 'correct them; config/corral.example.yaml lists every setting';
  constructor(readonly faults: readonly string[]) {
    super(`the settings have ${faults.length} faults:\n  ${faults.join('\n  ')}`);
  }
}
