import { Refusal } from './errors.ts';

/** Text that is not an address as Corral writes them. */
export class BadAddress extends Refusal {
  readonly code = 'bad-address';
  readonly remedy = 'write it like 192.0.2.7 or 2001:db8::7';
  constructor(
    readonly text: string,
    readonly fault: string,
  ) {
    super(`"${text}" is not an address: ${fault}`);
  }
}

/** Text that is not a network address with a prefix. */
export class BadCidr extends Refusal {
  readonly code = 'bad-cidr';
  readonly remedy: string;
  constructor(
    readonly text: string,
    readonly fault: string,
    /** The same prefix without host bits, when that is all that was wrong. */
    readonly corrected?: string,
  ) {
    super(`"${text}" is not a network with a prefix: ${fault}`);
    this.remedy = corrected === undefined ? 'write it like 192.0.2.0/24' : `write ${corrected}`;
  }
}

/** Two ends that do not make a range. */
export class BadRange extends Refusal {
  readonly code = 'bad-range';
  readonly remedy = 'give both ends in one family, the lower one first';
  constructor(
    readonly from: string,
    readonly to: string,
    readonly fault: string,
  ) {
    super(`"${from}-${to}" is not a range: ${fault}`);
  }
}

/** One thing that is wrong with a topology: where, what with which number, and the way out. */
export interface Fault {
  /** For people: `pool "prod-r1"`, `topology.networks.prod.attachment`. */
  readonly where: string;
  readonly says: string;
  readonly remedy: string;
}

/** All that is wrong with a topology, or with one change to it. Nothing was changed. */
export class BadTopology extends Refusal {
  readonly code = 'bad-topology';
  readonly remedy: string;
  constructor(readonly faults: readonly [Fault, ...Fault[]]) {
    super(faults.map(({ where, says }) => `${where}: ${says}`).join('; '));
    this.remedy = [...new Set(faults.map(({ remedy }) => remedy))].join('; ');
  }
}

/** @throws BadTopology naming every fault, when there is one */
export function refuseFaults(faults: readonly Fault[]): void {
  const [first, ...rest] = faults;
  if (first) throw new BadTopology([first, ...rest]);
}
