import { Refusal } from '../core/errors.ts';

/** The backend did not answer in time. Whether a write happened is resolved by the store itself. */
export class LedgerUnreachable extends Refusal {
  readonly code = 'ledger-unreachable';
  readonly remedy = 'check that the ledger is up and reachable, then try again';
  constructor(what: string, withinMs: number, options?: ErrorOptions) {
    super(`the ledger did not answer ${what} within ${withinMs} ms`, options);
  }
}

/** Rivals moved first, time after time. */
export class LedgerBusy extends Refusal {
  readonly code = 'ledger-busy';
  readonly remedy = 'try again';
  constructor(readonly attempts: number) {
    super(`the ledger was still contended after ${attempts} attempts`);
  }
}

/** The history that a watch or a read at a revision needs was compacted away. */
export class Compacted extends Refusal {
  readonly code = 'ledger-compacted';
  readonly remedy = 'read the range again and watch from its revision';
  constructor(readonly revision: number) {
    super(`the ledger no longer holds revision ${revision}`);
  }
}

/** More guards or writes than one commit may carry. */
export class TooManyOperations extends Refusal {
  readonly code = 'too-many-operations';
  readonly remedy = 'split the change';
  constructor(
    readonly count: number,
    readonly most: number,
  ) {
    super(`a commit of ${count} operations is over the limit of ${most}`);
  }
}

/** A value, or all values of one commit, too large for the backend. */
export class ValueTooLarge extends Refusal {
  readonly code = 'value-too-large';
  readonly remedy = 'store less under this key';
  constructor(
    readonly key: string,
    readonly bytes: number,
    readonly most: number,
  ) {
    super(`the value of "${key}" has ${bytes} bytes, over the limit of ${most}`);
  }
}

/** The keys of a holding may be gone already. */
export class HoldingLost extends Refusal {
  readonly code = 'holding-lost';
  readonly remedy = 'open a new holding';
  constructor(
    readonly id: string,
    options?: ErrorOptions,
  ) {
    super(`the holding "${id}" ended before the write`, options);
  }
}

/** A record under a key does not have the shape it should have. */
export class BadRecord extends Refusal {
  readonly code = 'bad-record';
  readonly remedy = 'set the key right or drop it; everything else goes on without it';
  constructor(
    readonly key: string,
    readonly fault: string,
  ) {
    super(`the ledger's "${key}" is not usable: ${fault}`);
  }
}

/** A caller asked for what no backend can do; a bug on our side of the ledger. */
export class LedgerMisuse extends Refusal {
  readonly code = 'ledger-misuse';
  readonly remedy = 'report this: Corral asked its ledger for something impossible';
  constructor(
    readonly fault: string,
    options?: ErrorOptions,
  ) {
    super(`the ledger was asked for ${fault}`, options);
  }
}

/** The backend answered, and the answer is no: permissions, credentials, a full database. */
export class LedgerRefused extends Refusal {
  readonly code = 'ledger-refused';
  readonly remedy =
    'give the user of Corral read and write permission under /corral/, and look at the ledger';
  constructor(
    readonly what: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`the ledger refused ${what}: ${reason}`, options);
  }
}

/** Called after close(). */
export class LedgerClosed extends Refusal {
  readonly code = 'ledger-closed';
  readonly remedy = 'open the ledger again';
  constructor() {
    super('the ledger was closed');
  }
}

/** Another process has the files of the embedded ledger, or serves its socket. */
export class LedgerInUse extends Refusal {
  readonly code = 'ledger-in-use';
  readonly remedy = 'stop the other process, or talk to it instead of opening its files';
  constructor(
    readonly path: string,
    options?: ErrorOptions,
  ) {
    super(`the ledger at "${path}" is in use by another process`, options);
  }
}

/** The files of the embedded ledger cannot be opened, read or written. */
export class LedgerUnusable extends Refusal {
  readonly code = 'ledger-unusable';
  readonly remedy =
    'check the disk, its free space and the permissions of the directory, then start again';
  constructor(
    readonly directory: string,
    readonly fault: string,
    options?: ErrorOptions,
  ) {
    super(`the ledger in "${directory}" is not usable: ${fault}`, options);
  }
}
