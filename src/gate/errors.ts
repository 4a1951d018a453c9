import { Refusal } from '../core/errors.ts';

/** No endpoint of Marathon took the request: Marathon has not seen it. */
export class MarathonUnreachable extends Refusal {
  readonly code = 'marathon-unreachable';
  readonly remedy = 'check that Marathon runs and that the gate can reach it, then try again';
  constructor(tried: readonly string[], why: string, options?: ErrorOptions) {
    super(`marathon is unreachable: tried ${tried.join(', ')} (${why})`, options);
  }
}

/** The request was sent and no answer came in time: Marathon may have acted on it. */
export class MarathonSilent extends Refusal {
  readonly code = 'marathon-silent';
  readonly remedy =
    'look at the deployments before trying again: the request may have taken effect';
  constructor(
    readonly endpoint: string,
    withinMs: number,
    options?: ErrorOptions,
  ) {
    super(`marathon at ${endpoint} did not answer within ${withinMs} ms`, options);
  }
}

/** The request was sent and the connection ended before an answer: Marathon may have acted on it. */
export class MarathonBrokeOff extends Refusal {
  readonly code = 'marathon-broke-off';
  readonly remedy =
    'look at the deployments before trying again: the request may have taken effect';
  constructor(
    readonly endpoint: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`marathon at ${endpoint} broke off the answer: ${why}`, options);
  }
}

/** Every connection to Marathon is taken and the queue for them is full, or moved too slowly. */
export class GateBusy extends Refusal {
  readonly code = 'gate-busy';
  readonly remedy = 'try again in a second';
  readonly retryAfterSeconds = 1;
  constructor(
    what: string,
    readonly most: number,
  ) {
    super(`all ${most} ${what} to marathon are in use`);
  }
}

/** The client closed its connection before the whole exchange was done. */
export class ClientLeft extends Refusal {
  readonly code = 'client-left';
  readonly remedy = 'keep the connection open until the answer is there';
  constructor(during: string) {
    super(`the client left ${during}`);
  }
}

/** A request line or header that cannot be passed on as it is. */
export class BadHead extends Refusal {
  readonly code = 'bad-head';
  readonly remedy = 'send an origin-form target (a path) and plain headers';
  constructor(fault: string, options?: ErrorOptions) {
    super(`the request cannot be passed on: ${fault}`, options);
  }
}

/** The gate passes on HTTP/1.1 only: a tunnel would carry requests that nobody judges. */
export class UpgradeRefused extends Refusal {
  readonly code = 'upgrade-refused';
  readonly remedy = 'use plain HTTP/1.1; Marathon has no endpoint that needs an upgrade';
  constructor(readonly protocol: string) {
    super(`an upgrade to "${protocol}" is not passed on`);
  }
}

/** The request target is longer than the gate reads. */
export class TargetTooLong extends Refusal {
  readonly code = 'target-too-long';
  readonly remedy = 'shorten the path and query';
  constructor(
    readonly length: number,
    readonly most: number,
  ) {
    super(`the request target has ${length} characters, over the limit of ${most}`);
  }
}

/** More headers than the gate passes on. */
export class TooManyHeaders extends Refusal {
  readonly code = 'too-many-headers';
  readonly remedy = 'send fewer headers';
  constructor(
    readonly count: number,
    readonly most: number,
  ) {
    super(`the request has ${count} headers, over the limit of ${most}`);
  }
}

/** A body to be judged is larger than the gate reads. */
export class BodyTooLarge extends Refusal {
  readonly code = 'body-too-large';
  readonly remedy = "split the change, or raise the gate's limit on bodies";
  constructor(readonly most: number) {
    super(`the body is over the limit of ${most} bytes`);
  }
}

/** A body to be judged did not arrive in time. */
export class BodyTooSlow extends Refusal {
  readonly code = 'body-too-slow';
  readonly remedy = 'send the whole body at once';
  constructor(
    readonly received: number,
    readonly withinMs: number,
  ) {
    super(`the body was not complete within ${withinMs} ms: ${received} bytes had come`);
  }
}

/** A body in a content coding that the gate does not read. */
export class CodingUnknown extends Refusal {
  readonly code = 'coding-unknown';
  readonly remedy = 'send the body without Content-Encoding; Marathon does not decode it either';
  constructor(readonly coding: string) {
    super(`the body is encoded as "${coding}", which cannot be judged`);
  }
}

/** As many changes as the gate judges at once are being judged. */
export class TooManyAtOnce extends Refusal {
  readonly code = 'too-many-at-once';
  readonly remedy = 'try again after the time in Retry-After';
  readonly retryAfterSeconds = 1;
  constructor(readonly most: number) {
    super(`${most} changes are being judged already, which is the limit`);
  }
}

/** No set of nodes can hold the launch. The message has the figures. */
export class LaunchRefused extends Refusal {
  readonly code = 'launch-refused';
  readonly faults: readonly { readonly path: string; readonly errors: readonly string[] }[];
  constructor(
    readonly verdictId: string,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
    this.faults = [{ path: '/instances', errors: [message] }];
  }
}

/** The request can change anything at all, so it is not passed on unless a setting says so. */
export class Forbidden extends Refusal {
  readonly code = 'forbidden';
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/** Corral cannot tell whether there is room. */
export class CannotJudge extends Refusal {
  readonly code = 'cannot-judge';
  readonly remedy: string;
  constructor(why: string, options: ErrorOptions & { readonly remedy?: string } = {}) {
    super(`the change cannot be judged: ${why}`, options);
    this.remedy =
      options.remedy ?? 'try again, or set gate.whenLedgerDown to "pass" to let changes through';
  }
}

/** The picture of the ledger is not up to date, so no verdict can rest on it. */
export class LedgerBehind extends Refusal {
  readonly code = 'ledger-behind';
  readonly remedy = 'check that the ledger is up and reachable, then try again';
  constructor(why: string, options?: ErrorOptions) {
    super(`the ledger cannot be followed at the moment: ${why}`, options);
  }
}

/** Marathon would answer that a deployment holds the app; said before there is talk of room. */
export class AppLocked extends Refusal {
  readonly code = 'app-locked';
  readonly remedy = "override with the option '?force=true', or wait for the deployment";
  constructor(readonly deployments: readonly string[]) {
    super(
      "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
    );
  }
}

/** A definition that was handed in to be planned cannot be. */
export class BadPlan extends Refusal {
  readonly code = 'bad-plan';
  constructor(
    why: string,
    readonly remedy: string,
  ) {
    super(`the definition cannot be planned: ${why}`);
  }
}

/** An app that the queue was to let grow is held no longer, or otherwise. */
export class NotHeldNow extends Refusal {
  readonly code = 'not-held-now';
  readonly remedy = 'see corral held list: somebody else has changed the app meanwhile';
  constructor(readonly app: string) {
    super(`app "${app}" is not held as it was a moment ago`);
  }
}
