import { Refusal } from '../core/errors.ts';

/** Docker's API did not answer in its time. */
export class DockerUnreachable extends Refusal {
  readonly code = 'docker-unreachable';
  readonly remedy = 'check that dockerd runs, and that agent.docker.socket names its socket';
  constructor(what: string, socket: string, options?: ErrorOptions) {
    super(`docker did not answer ${what} on ${socket}`, options);
  }
}

/** Docker answered, and the answer is no. */
export class DockerRefused extends Refusal {
  readonly code = 'docker-refused';
  readonly remedy = 'as Docker says';
  constructor(
    what: string,
    readonly status: number,
    readonly says: string,
  ) {
    super(`docker refused ${what} with ${status}: ${says}`);
  }
}

/** Docker's answer does not have the shape that the call relies on. */
export class BadDockerAnswer extends Refusal {
  readonly code = 'bad-docker-answer';
  readonly remedy = 'check that the socket is that of a Docker of version 18.09 or later';
  constructor(what: string, why: string) {
    super(`docker's answer to ${what} cannot be used: ${why}`);
  }
}
