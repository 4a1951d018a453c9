import { Refusal } from '../core/errors.ts';

/** Nothing is served at this path. */
export class NoSuchPath extends Refusal {
  readonly code = 'no-such-path';
  readonly remedy = 'GET /openapi.json lists what the console serves';
  constructor(path: string) {
    super(`the console serves nothing at "${path.slice(0, 200)}"`);
  }
}

/** The path is right, but what it names is not there. */
export class NotKnown extends Refusal {
  readonly code = 'not-known';
  readonly remedy = 'list them to see the names there are';
  constructor(kind: string, name: string) {
    super(`there is no ${kind} "${name.slice(0, 200)}"`);
  }
}

export class WrongMethod extends Refusal {
  readonly code = 'wrong-method';
  readonly remedy = 'use a method that the Allow header lists';
  constructor(
    method: string,
    path: string,
    readonly allowed: readonly string[],
  ) {
    super(`${method} is not served at "${path.slice(0, 200)}", only ${allowed.join(', ')}`);
  }
}

/** A page elsewhere may have been pointed at this address (DNS rebinding). */
export class WrongHost extends Refusal {
  readonly code = 'wrong-host';
  readonly remedy = 'call the console as localhost, or add the name to console.names';
  constructor(host: string) {
    super(`the console does not answer to the host "${host.slice(0, 200)}"`);
  }
}

/** A page of somebody else has a browser change something here (cross-site request forgery). */
export class WrongOrigin extends Refusal {
  readonly code = 'wrong-origin';
  readonly remedy = 'call the console from a program, or from a page that it serves itself';
  constructor(origin: string) {
    super(`the console changes nothing for "${origin.slice(0, 200)}"`);
  }
}

/** HTML forms can send other types to any site; JSON they cannot. */
export class NotJson extends Refusal {
  readonly code = 'not-json';
  readonly remedy = 'send the header Content-Type: application/json';
  constructor(type: string) {
    super(`a change must come as application/json, not "${type.slice(0, 200)}"`);
  }
}

/** Every fault of a body at once. */
export class BadChange extends Refusal {
  readonly code = 'bad-change';
  readonly remedy = 'GET /openapi.json says what the body holds';
  constructor(faults: readonly string[]) {
    super(`the body is not usable: ${faults.join('; ')}`);
  }
}

/** Every fault of a query at once. */
export class BadQuery extends Refusal {
  readonly code = 'bad-query';
  readonly remedy = 'GET /openapi.json lists the parameters';
  constructor(faults: readonly string[]) {
    super(`the query is not usable: ${faults.join('; ')}`);
  }
}

export class PlanTooLarge extends Refusal {
  readonly code = 'plan-too-large';
  readonly remedy = 'plan fewer apps at once, or raise console.maxBodyBytes';
  constructor(most: number) {
    super(`the body is over the limit of ${most} bytes`);
  }
}

/** The console's own deadline; the work may still end unseen. */
export class AnswerLate extends Refusal {
  readonly code = 'answer-late';
  readonly remedy = 'see GET /ready for what is slow, or raise console.withinMs';
  constructor(withinMs: number) {
    super(`there was no answer within ${withinMs} ms`);
  }
}
