import { Refusal } from '../core/errors.ts';
import type { JsonObject } from './json.ts';

/** One path of a body and what is wrong there. */
export interface BodyFault {
  readonly path: string;
  readonly errors: readonly string[];
}

/** What the pretend Marathon answers instead of doing what was asked. */
export class ApiRefusal extends Refusal {
  readonly code = 'sim-api';
  readonly remedy = 'read the answer as Marathon would have given it';

  constructor(
    readonly status: number,
    readonly body: JsonObject,
  ) {
    super(`the simulated Marathon answers ${status}: ${String(body['message'])}`);
  }
}

export const badRequest = (message: string): ApiRefusal => new ApiRefusal(400, { message });
export const notFound = (what: string): ApiRefusal =>
  new ApiRefusal(404, { message: `${what} does not exist` });
/** The types of a body are wrong. */
export const badShape = (details: readonly BodyFault[]): ApiRefusal =>
  new ApiRefusal(422, { message: 'Invalid JSON', details });
/** The types are right and the values are not. */
export const notValid = (details: readonly BodyFault[]): ApiRefusal =>
  new ApiRefusal(422, { message: 'Object is not valid', details });
export const locked = (deployments: readonly string[]): ApiRefusal =>
  new ApiRefusal(409, {
    message:
      "App is locked by one or more deployments. Override with the option '?force=true'. " +
      'View details at /v2/deployments/<DEPLOYMENT_ID>.',
    deployments: deployments.map((id) => ({ id })),
  });
export const duplicate = (kind: string, id: string): ApiRefusal =>
  new ApiRefusal(409, { message: `${kind} with id [${id}] already exists.` });

/** A line of a script that cannot be understood. */
export class BadScriptLine extends Refusal {
  readonly code = 'bad-script-line';
  readonly remedy = 'see the command list in src/sim/README.md';

  constructor(
    readonly line: string,
    readonly why: string,
  ) {
    super(`script line "${line}" cannot be played: ${why}`);
  }
}

/** The simulated cluster was asked for something that is not there. */
export class NoSuchNode extends Refusal {
  readonly code = 'no-such-node';
  readonly remedy = 'list the nodes with `show nodes`';

  constructor(readonly node: string) {
    super(`the simulated cluster has no node "${node}"`);
  }
}
