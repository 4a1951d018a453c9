import { Refusal } from '../core/errors.ts';
import type { Step } from '../core/topology-diff.ts';

export class AlreadyThere extends Refusal {
  readonly code = 'already-there';
  readonly remedy: string;
  constructor(kind: Step['kind'], name: string) {
    super(`${kind} "${name}" exists already`);
    this.remedy = `change it: corral ${kind} set ${name}`;
  }
}

export class NotThere extends Refusal {
  readonly code = 'not-there';
  readonly remedy: string;
  constructor(kind: Step['kind'], name: string) {
    super(`${kind} "${name}" is not in the ledger`);
    this.remedy = `see corral ${kind} list`;
  }
}

/** A file that cannot be read, or is not what it should be. */
export class BadFile extends Refusal {
  readonly code = 'bad-file';
  readonly remedy = 'correct the file, or name another';
  constructor(
    readonly file: string,
    readonly fault: string,
  ) {
    super(`"${file}" cannot be used: ${fault}`);
  }
}

/** An option whose value does not read. */
export class BadOption extends Refusal {
  readonly code = 'bad-option';
  constructor(
    readonly option: string,
    readonly text: string,
    readonly remedy: string,
  ) {
    super(`${option} "${text}" does not read`);
  }
}
