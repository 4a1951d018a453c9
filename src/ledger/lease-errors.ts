import { Refusal } from '../core/errors.ts';
import type { FullWay } from '../core/link-full.ts';
import { formatRate } from '../core/rate.ts';
import type { NodeRecord } from '../core/topology-record.ts';

export class UnknownNode extends Refusal {
  readonly code = 'unknown-node';
  readonly remedy: string;
  constructor(readonly node: string) {
    super(`node "${node}" is not in the ledger`);
    this.remedy = `add it: corral node add ${node} --link 1gbit`;
  }
}

export class UnknownNetwork extends Refusal {
  readonly code = 'unknown-network';
  readonly remedy = 'name a network of corral network list';
  constructor(readonly network: string) {
    super(`network "${network}" is not in the ledger`);
  }
}

/** No pool of the network selects the node. */
export class NoPoolReached extends Refusal {
  readonly code = 'no-pool-reached';
  readonly remedy = "widen a pool's node selector, or run the container on a node that one selects";
  constructor(
    readonly network: string,
    readonly node: string,
    readonly pools: readonly string[],
  ) {
    super(
      `node "${node}" reaches none of the ${pools.length} pools of network "${network}" (${pools.join(', ')})`,
    );
  }
}

/** How full a pool is, for messages. */
export interface PoolFill {
  readonly pool: string;
  readonly size: number;
  readonly held: number;
  /** In stock, on whichever nodes. */
  readonly spare: number;
  readonly cooling: number;
  readonly quarantined: number;
}

const filled = ({ pool, size, held, spare, cooling, quarantined }: PoolFill): string =>
  `pool "${pool}" has ${size} addresses: ${held} held, ${spare} in stock, ${cooling} cooling, ${quarantined} quarantined`;

/** Every address that the node could get is taken. */
export class NoAddressLeft extends Refusal {
  readonly code = 'no-address-left';
  readonly remedy: string;
  constructor(
    readonly network: string,
    readonly node: string,
    readonly pools: readonly PoolFill[],
    /** When the first of the cooling addresses is free, if any is cooling. */
    readonly retryInMs?: number,
  ) {
    super(
      `network "${network}" has no address left for node "${node}": ${pools.map(filled).join('; ')}`,
    );
    this.remedy =
      retryInMs === undefined
        ? 'end containers that hold addresses, or widen a pool'
        : `try again in ${Math.ceil(retryInMs / 1000)} s, end containers, or widen a pool`;
  }
}

/** The very address that was asked for cannot be had. */
export class AddressNotGiven extends Refusal {
  readonly code = 'address-not-given';
  readonly remedy = 'ask for another address, or for none in particular';
  constructor(
    readonly address: string,
    readonly why: string,
  ) {
    super(`address ${address} cannot be given: ${why}`);
  }
}

/** One node cannot have more traffic classes than tc has numbers. */
export class NoClassLeft extends Refusal {
  readonly code = 'no-class-left';
  readonly remedy = 'end containers on the node';
  constructor(
    readonly node: string,
    readonly classes: number,
  ) {
    super(`node "${node}" has no traffic class left: all ${classes} are in use`);
  }
}

/** The limits of what runs on a node add up to what its link takes. */
export class NoBandwidthLeft extends Refusal {
  readonly code = 'no-bandwidth-left';
  readonly remedy =
    'end containers on the node, lower their limits, or raise its link or overcommit (corral node set)';
  constructor(
    readonly network: string,
    readonly node: string,
    readonly full: FullWay,
    { headroom, overcommit }: Pick<NodeRecord, 'headroom' | 'overcommit'>,
  ) {
    const { way, sumKbit, linkKbit, capacityKbit } = full;
    super(
      `node "${node}" has no ${way} left for network "${network}": its limits add up to ${formatRate(sumKbit)}, ` +
        `and the link takes ${formatRate(capacityKbit)} (${formatRate(linkKbit)} × headroom ${headroom} × overcommit ${overcommit})`,
    );
  }
}

/** The pool that was named is not the network's, or the node does not reach it. */
export class PoolNotReached extends Refusal {
  readonly code = 'pool-not-reached';
  readonly remedy: string;
  constructor(
    readonly network: string,
    readonly node: string,
    readonly pool: string,
    readonly reached: readonly string[],
  ) {
    super(`node "${node}" does not reach pool "${pool}" of network "${network}"`);
    this.remedy = `name one that it reaches: ${reached.join(', ')}`;
  }
}

/** Nothing new is given out until every node has said what runs on it. */
export class LedgerRebuilding extends Refusal {
  readonly code = 'ledger-rebuilding';
  readonly remedy = 'wait until corral ledger rebuild has heard from every node';
  constructor() {
    super('the ledger is being rebuilt from what runs on the nodes');
  }
}

export class UnknownPool extends Refusal {
  readonly code = 'unknown-pool';
  readonly remedy = 'name a pool of corral pool list, and put it in a network';
  constructor(readonly pool: string) {
    super(`pool "${pool}" is not in the ledger, or in no network`);
  }
}

/** The pool never hands this address out. */
export class AddressNotInPool extends Refusal {
  readonly code = 'address-not-in-pool';
  readonly remedy = "name an address of the pool's ranges: corral pool show";
  constructor(
    readonly address: string,
    readonly pool: string,
  ) {
    super(`address ${address} is in no range of pool "${pool}", or excluded`);
  }
}
