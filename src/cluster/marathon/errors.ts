import { Refusal } from '../../core/errors.ts';
import type { BodyFault } from '../errors.ts';

/**
 * Refusals that a definition earns before room is looked at. `path` names the place in the body as
 * Marathon writes it, e.g. `/networks(0)/labels/net_in`.
 */
export abstract class UnusableDefinition extends Refusal {
  abstract readonly path: string;

  /** As a refused body lists them. */
  get faults(): readonly BodyFault[] {
    return [{ path: this.path, errors: [this.message] }];
  }
}

/** net_in or net_out is there, but not as a rate. */
export class UnusableRate extends UnusableDefinition {
  readonly code = 'unusable-rate';
  readonly remedy = 'write a rate such as 200mbit or 10240 (kbit/s) as a string';
  constructor(
    readonly path: string,
    readonly fault: string,
    options?: ErrorOptions,
  ) {
    super(`${path} is not a rate: ${fault}`, options);
  }
}

/** The rate stands in a secret store, where nobody can add it up. */
export class SecretRate extends UnusableDefinition {
  readonly code = 'secret-rate';
  readonly remedy = 'write the rate in plain text, or set gate.secretPolicy to default';
  constructor(readonly path: string) {
    super(`${path} is a secret, so its rate cannot be counted`);
  }
}

/** A Docker parameter sets the environment behind Marathon's back. */
export class BypassedEnv extends UnusableDefinition {
  readonly code = 'bypassed-env';
  readonly remedy = 'set net_in and net_out in env, and other variables there too';
  constructor(
    readonly path: string,
    readonly key: string,
  ) {
    super(`the Docker parameter "${key}" at ${path} can set a rate that Marathon does not show`);
  }
}

/** Several instances cannot share one address. */
export class SharedAddress extends UnusableDefinition {
  readonly code = 'shared-address';
  readonly remedy = 'drop the parameter, or run one instance';
  constructor(
    readonly path: string,
    readonly key: string,
    readonly instances: number,
  ) {
    super(`the Docker parameter "${key}" at ${path} fixes one address for ${instances} instances`);
  }
}
