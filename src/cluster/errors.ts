import { Refusal } from '../core/errors.ts';

/** An id that Marathon would not take, or that cannot be told apart from another. */
export class BadId extends Refusal {
  readonly code = 'bad-id';
  readonly remedy =
    'use lowercase letters, digits, "-" and "." in segments divided by "/", not ending in restart, tasks or versions';
  constructor(
    readonly id: string,
    readonly fault: string,
  ) {
    super(`the id ${JSON.stringify(id.slice(0, 200))} is not usable: ${fault}`);
  }
}

/** A request target that is malformed, or that reads as one thing raw and as another decoded. */
export class BadTarget extends Refusal {
  readonly code = 'bad-target';
  readonly remedy = 'send the plain path, for example /v2/apps/shop/web';
  constructor(
    readonly target: string,
    readonly fault: string,
  ) {
    super(`the request target ${JSON.stringify(target.slice(0, 200))} is not usable: ${fault}`);
  }
}

/** A method that Marathon does not know on a path whose changes are judged. */
export class BadMethod extends Refusal {
  readonly code = 'bad-method';
  readonly remedy = 'use a method of the Marathon API';
  constructor(readonly method: string) {
    super(`the method ${JSON.stringify(method.slice(0, 40))} is not known`);
  }
}

/** What is wrong at one place of a body; `path` as Marathon writes it, e.g. `/apps(0)/instances`. */
export interface BodyFault {
  readonly path: string;
  readonly errors: readonly string[];
}

/** A body that is JSON but not what the route takes. Every fault at once. */
export class BadBody extends Refusal {
  readonly code = 'bad-body';
  readonly remedy = 'correct the fields named in details';
  constructor(readonly faults: readonly BodyFault[]) {
    const first = faults[0] ?? { path: '/', errors: ['not usable'] };
    const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
    super(`the body is not valid at ${first.path}: ${first.errors.join(', ')}${more}`);
  }
}

/** No Marathon answered. Nothing is known about the outcome of a change that was under way. */
export class MarathonUnreachable extends Refusal {
  readonly code = 'marathon-unreachable';
  readonly remedy = 'check that Marathon is up and has a leader, then try again';
  constructor(
    readonly what: string,
    readonly urls: readonly string[],
    options?: ErrorOptions,
  ) {
    super(`no Marathon answered ${what}: tried ${urls.join(', ')}`, options);
  }
}

/** Marathon answered, but with a status that the call has no use for. */
export class MarathonRefused extends Refusal {
  readonly code = 'marathon-refused';
  readonly remedy = 'see what Marathon says; for 401 or 403 check the credentials given to Corral';
  constructor(
    readonly what: string,
    readonly status: number,
    readonly answer: string,
  ) {
    super(`Marathon answered ${what} with ${status}: ${answer}`);
  }
}

/** Marathon's answer does not have the shape that the call relies on. */
export class BadMarathonAnswer extends Refusal {
  readonly code = 'bad-marathon-answer';
  readonly remedy = 'check that the configured URL is a Marathon of version 1.5 or later';
  constructor(
    readonly what: string,
    readonly fault: string,
  ) {
    super(`Marathon's answer to ${what} is not usable: ${fault}`);
  }
}

/** A deployment cannot be undone on paper: what it replaced is no longer in Marathon's history. */
export class OriginalUnknown extends Refusal {
  readonly code = 'original-unknown';
  readonly remedy =
    'stop it with force=true, which starts nothing, then put the definitions that you want';
  constructor(readonly deployment: string) {
    super(`what the deployment "${deployment}" replaced is no longer known`);
  }
}

/** Credentials that cannot be sent as a header. Never quotes them. */
export class BadAuthorization extends Refusal {
  readonly code = 'bad-authorization';
  readonly remedy = 'give one line of printable ASCII: the value of the Authorization header';
  constructor() {
    super('the credentials for Marathon are empty or not one line of printable ASCII');
  }
}

/** No Mesos master answered as the leader does. */
export class MesosUnreachable extends Refusal {
  readonly code = 'mesos-unreachable';
  readonly remedy = 'check that a Mesos master leads and can be reached from here';
  constructor(
    readonly what: string,
    readonly tried: readonly string[],
    options?: ErrorOptions,
  ) {
    super(`no Mesos master answered ${what}: tried ${tried.join(', ')}`, options);
  }
}

/** The leading master answered, but with a status that the call has no use for. */
export class MesosRefused extends Refusal {
  readonly code = 'mesos-refused';
  readonly remedy =
    'see what Mesos says; for 401 or 403 check the credentials given to Corral (reads need the read-write realm too)';
  constructor(
    readonly what: string,
    readonly status: number,
    readonly answer: string,
  ) {
    super(`Mesos answered ${what} with ${status}: ${answer}`);
  }
}

/** The master's answer does not have the shape that the call relies on. */
export class BadMesosAnswer extends Refusal {
  readonly code = 'bad-mesos-answer';
  readonly remedy = 'check that the configured URL is a Mesos master of version 1.0 or later';
  constructor(
    readonly what: string,
    readonly fault: string,
  ) {
    super(`Mesos' answer to ${what} is not usable: ${fault}`);
  }
}
