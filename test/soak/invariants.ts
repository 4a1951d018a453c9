import assert from 'node:assert/strict';
import { hasBit, offsetsIn } from '../../src/core/mask.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import { blockIn, holdingOf, prefixes } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Read } from '../../src/ledger/store.ts';
import type { SimulatedLedger } from '../fakes/simulated-store.ts';

const never = new AbortController().signal;
/** The whole ledger is checked after so many commits; what changed, after each. */
const CHECK_EVERY = 64;

/** Reads that cost no time. */
export const readNow = ({ state }: SimulatedLedger): Read => ({
  get: (key) => Promise.resolve(state.get(key)),
  range: (query) => Promise.resolve(state.range({ limit: 1_000, ...query })),
});

/** Looks at the ledger after every commit; a fault ends the run. */
export class Watchman {
  readonly #ledger: SimulatedLedger;
  readonly #leased = new Map<string, string>();
  #commits = 0;
  #revision: number;

  constructor(ledger: SimulatedLedger) {
    this.#ledger = ledger;
    this.#revision = ledger.state.revision;
    const listen = () => {
      ledger.listeners.add(listen);
      this.#look();
    };
    ledger.listeners.add(listen);
  }

  /** @throws when the ledger contradicts itself */
  async sound(): Promise<number> {
    const { findings, leases } = await checkLedger(readNow(this.#ledger), never);
    assert.deepEqual(findings, []);
    return leases;
  }

  #look(): void {
    const { batch } = this.#ledger.history.next('/', this.#revision);
    this.#revision = this.#ledger.state.revision;
    try {
      for (const { key, entry } of batch?.changes ?? []) {
        if (key.startsWith(prefixes.blocks) && entry)
          oneHolderPerBit(records.block.decode(entry), key);
        if (key.startsWith(prefixes.leases)) this.#oneLease(key, entry !== undefined);
      }
    } catch (fault) {
      this.#ledger.world.fail(fault);
    }
    if ((this.#commits += 1) % CHECK_EVERY === 0)
      this.sound().catch((fault: unknown) => this.#ledger.world.fail(fault));
  }

  #oneLease(key: string, there: boolean): void {
    const { node, address } = holdingOf(prefixes.leases, key)!;
    const holder = this.#leased.get(address);
    if (!there && holder === node) this.#leased.delete(address);
    if (!there) return;
    assert(holder === undefined || holder === node, `${address} leased to ${holder} and ${node}`);
    this.#leased.set(address, node);
  }
}

function oneHolderPerBit(
  { held, spare = {} }: { held: Record<string, string>; spare?: Record<string, string> },
  key: string,
): void {
  const masks = [...Object.entries(held), ...Object.entries(spare)];
  masks.forEach(([node, mask], index) => {
    for (const offset of offsetsIn(mask))
      for (const [other, theirs] of masks.slice(index + 1))
        assert(!hasBit(theirs, offset), `${blockIn(key)?.pool} ${offset}: ${node} and ${other}`);
  });
}

/** Containers that run and the address of each: no two may have one, at any moment. */
export class Running {
  readonly #byAddress = new Map<string, string>();

  /** @throws when it is another's at this moment */
  starts(address: string, container: string): void {
    const other = this.#byAddress.get(address);
    assert(other === undefined, `${address} given to ${container} while ${other} runs on it`);
    this.#byAddress.set(address, container);
  }

  ends(address: string, container: string): void {
    if (this.#byAddress.get(address) === container) this.#byAddress.delete(address);
  }

  has(container: string): boolean {
    return [...this.#byAddress.values()].includes(container);
  }

  get count(): number {
    return this.#byAddress.size;
  }
}
