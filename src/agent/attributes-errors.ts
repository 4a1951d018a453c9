import { Refusal } from '../core/errors.ts';

/** Nobody said where the Mesos agent reads its attributes. */
export class NoAttributesFile extends Refusal {
  readonly code = 'no-attributes-file';
  readonly remedy = 'set agent.attributes.file, or give --file';
  constructor() {
    super('it is not known which file the mesos agent reads its attributes from');
  }
}

/** A restart alone would not bring the agent back with these attributes. */
export class AttributesNeedNewAgent extends Refusal {
  readonly code = 'attributes-refused';
  readonly remedy =
    'see "corral attributes diff" for the procedure; --incompatible tries it even so';
  constructor(readonly changes: readonly string[]) {
    super(
      `a mesos agent with its containers takes ${changes.length} of the changes at no restart: ${changes.join('; ')}`,
    );
  }
}

/** The Mesos agent did not come back as it was; the file is as it was before. */
export class AttributesNotTaken extends Refusal {
  readonly code = 'attributes-not-taken';
  constructor(
    readonly why: string,
    readonly remedy: string,
  ) {
    super(`the mesos agent did not take the attributes: ${why}`);
  }
}
