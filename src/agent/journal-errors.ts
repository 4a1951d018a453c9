import { Refusal } from '../core/errors.ts';

/** The journal of releases cannot be opened, read or written. */
export class JournalUnusable extends Refusal {
  readonly code = 'journal-unusable';
  readonly remedy = 'check the disk, its free space and the permissions of the directory';
  constructor(
    readonly file: string,
    readonly fault: string,
    options?: ErrorOptions,
  ) {
    super(`the journal "${file}" is not usable: ${fault}`, options);
  }
}
