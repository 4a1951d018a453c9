import type { NodeLease } from '../ledger/desk.ts';
import { isForeign } from './incarnation.ts';
import { nameOf } from './journal-lines.ts';

/** How this node holds an address of its. */
export interface Holding {
  readonly incarnation: string;
  readonly pool: string;
}

export interface NamedHolding extends Holding {
  readonly address: string;
}

export interface HeldAddressesDeps {
  /** Releases that the ledger has not heard of yet. */
  readonly pending: () => readonly Pick<NamedHolding, 'address' | 'incarnation'>[];
  /** Told of each lease that was there before this agent. */
  readonly inherited: (lease: NodeLease) => void;
}

/**
 * The addresses that this node holds, as far as it knows: what it was given itself, and what the leases say. Those
 * are read while addresses come and go, so that a lease of one that is given up by then says nothing any more.
 */
export class HeldAddresses {
  readonly #deps: HeldAddressesDeps;
  readonly #held = new Map<string, Holding>();
  /** Names of holdings of which the ledger, or the journal, is being told that they have ended. */
  readonly #leaving = new Set<string>();
  /** For each read of the leases under way: names that are not to be learned from it. */
  readonly #readings = new Set<Set<string>>();
  #known = false;

  constructor(deps: HeldAddressesDeps) {
    this.#deps = deps;
  }

  get all(): ReadonlyMap<string, Holding> {
    return this.#held;
  }

  /** False until the leases of this node have been read once. */
  get known(): boolean {
    return this.#known;
  }

  hold(address: string, holding: Holding): void {
    this.#held.set(address, holding);
  }

  /** Whether it is held, by the pool id of this nonce or by one that is not known. */
  isHeldBy(address: string, nonce: string): boolean {
    const holding = this.#held.get(address);
    return holding !== undefined && !isForeign(holding.incarnation, nonce);
  }

  /**
   * Learns from leases what is held; a name known already stays. What is given up by the time that they are asked for,
   * or while they are read, is not learned: the ledger had not heard of it. @throws as `read`
   */
  async learnFrom(read: () => Promise<readonly NodeLease[]>): Promise<readonly NodeLease[]> {
    const given = new Set([...this.#leaving, ...this.#deps.pending().map(nameOf)]);
    this.#readings.add(given);
    try {
      const leases = await read();
      this.#learn(leases, given);
      return leases;
    } finally {
      this.#readings.delete(given);
    }
  }

  #learn(leases: readonly NodeLease[], given: ReadonlySet<string>): void {
    for (const one of leases) {
      const { address, lease } = one;
      const { incarnation, pool } = lease;
      if (this.#held.has(address) || given.has(nameOf({ address, incarnation }))) continue;
      this.#held.set(address, { incarnation, pool });
      if (!this.#known) this.#deps.inherited(one);
    }
    this.#known = true;
  }

  /** This node does not have it any more. @returns by which name it had it */
  end(address: string): NamedHolding | undefined {
    const holding = this.#held.get(address);
    if (!holding) return undefined;
    this.#held.delete(address);
    const name = { address, ...holding };
    for (const given of this.#readings) given.add(nameOf(name));
    return name;
  }

  /** The same, and somebody is told; until then a lease of it says nothing either. */
  async giveUp(address: string, tell: (name: NamedHolding) => Promise<void>): Promise<void> {
    const name = this.end(address);
    if (name === undefined) return;
    this.#leaving.add(nameOf(name));
    await tell(name).finally(() => this.#leaving.delete(nameOf(name)));
  }
}
