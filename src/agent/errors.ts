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

/** A call that Docker's IPAM protocol does not have in that form. */
export class BadPluginCall extends Refusal {
  readonly code = 'bad-plugin-call';
  readonly remedy = 'let Docker make the calls of its plugin protocol';
  constructor(why: string) {
    super(`the plugin call cannot be understood: ${why}`);
  }
}

/** A Docker network was asked for without saying which subnet. */
export class SubnetMissing extends Refusal {
  readonly code = 'subnet-missing';
  readonly remedy: string;
  constructor(network: string, subnets: readonly string[]) {
    super(`a docker network on network "${network}" needs its subnet named`);
    this.remedy = `corral network create ${network} makes it rightly; or give --subnet ${subnets.join(' or ')}`;
  }
}

/** A Docker network does not say which Corral network it belongs to. */
export class NetworkNotNamed extends Refusal {
  readonly code = 'network-not-named';
  readonly remedy = 'give --ipam-opt network=<network>, or --ipam-opt pool=<pool>';
  constructor(why: string) {
    super(`the docker network names no network of corral: ${why}`);
  }
}

/** The subnet of a Docker network is none of those that the Corral network has here. */
export class SubnetNotOurs extends Refusal {
  readonly code = 'subnet-not-ours';
  readonly remedy: string;
  constructor(subnet: string, network: string, here: readonly string[]) {
    super(`subnet ${subnet} is no pool of network "${network}" that this node reaches`);
    this.remedy = `use one of its pools: ${here.join(', ')}`;
  }
}

/** Docker's --ip-range leaves nothing of the pool. */
export class RangeNotOurs extends Refusal {
  readonly code = 'range-not-ours';
  readonly remedy: string;
  constructor(range: string, pool: string, ranges: readonly string[]) {
    super(`ip range ${range} holds no address that pool "${pool}" hands out`);
    this.remedy = `stay within ${ranges.join(', ')}, or give no --ip-range`;
  }
}

/** A pool id that this driver did not write. */
export class UnknownPoolId extends Refusal {
  readonly code = 'unknown-pool-id';
  readonly remedy = 'make the docker network again: corral network create <network>';
  constructor(id: string) {
    super(`pool id "${id.slice(0, 200)}" is none that corral gave out`);
  }
}

/** The ledger did not decide in the time that Docker may be kept waiting. */
export class NotDecided extends Refusal {
  readonly code = 'not-decided';
  readonly remedy =
    'start the container again; if that repeats, see /ready of the agent and check the ledger';
  constructor(
    readonly network: string,
    readonly node: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`network "${network}" has no answer for node "${node}": ${why}`, options);
  }
}

/** An address that lies in another subnet. */
export class NotInSubnet extends Refusal {
  readonly code = 'not-in-subnet';
  readonly remedy = 'give an address of the subnet';
  constructor(address: string, subnet: string) {
    super(`address ${address} is not in subnet ${subnet}`);
  }
}

/** A container asks for an address that its pool does not hand out. */
export class OutsideRanges extends Refusal {
  readonly code = 'outside-ranges';
  readonly remedy: string;
  constructor(address: string, pool: string, ranges: readonly string[]) {
    super(`address ${address} is none that pool "${pool}" hands out`);
    this.remedy = `ask for one within ${ranges.join(', ')}, or for none in particular`;
  }
}

/** A Docker network of that name is there, and it is another one. */
export class NetworkDiffers extends Refusal {
  readonly code = 'network-differs';
  readonly remedy: string;
  constructor(
    readonly network: string,
    readonly differences: readonly string[],
  ) {
    super(`docker network "${network}" is there and differs: ${differences.join('; ')}`);
    this.remedy = `when no container needs it: docker network rm ${network}, and create it again`;
  }
}
