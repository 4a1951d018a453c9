import type { PoolUse, Spare } from '../ledger/desk.ts';
import type { ReachedPool } from '../ledger/lease-view.ts';

/** One pool's stock, as the agent has it in memory. */
export class Shelf {
  /** To be handed out, the oldest first. */
  ready: string[] = [];
  /** There when the agent started: perhaps handed out by the one before. */
  unchecked: readonly string[] = [];
  /** In stock by the ledger's word, but to be given back. */
  #back = new Set<string>();
  /** When addresses of the pool were last asked for, ms since the epoch. */
  askedMs?: number;
  surveyedMs?: number;
  survey = { room: 0, sharers: 1 };
  facts?: { readonly prefix: number; readonly gateway?: string };

  /** Ours, whether it can be handed out or not. */
  get count(): number {
    return this.ready.length + this.unchecked.length;
  }

  pop(fits: (address: string) => boolean): string | undefined {
    const at = this.ready.findIndex(fits);
    return at < 0 ? undefined : this.ready.splice(at, 1)[0];
  }

  surveyed(
    named: ReachedPool | undefined,
    { use, atMs }: { readonly use: PoolUse; readonly atMs: number },
  ): void {
    this.surveyedMs = atMs;
    const { size, held, cooling, quarantined, nodes } = use;
    this.survey = { room: size - held - cooling - quarantined, sharers: nodes.length };
    if (!named) return;
    const { record, space } = named;
    this.facts = {
      prefix: space.cidr.prefix,
      ...(record.gateway !== undefined && { gateway: record.gateway }),
    };
  }

  /**
   * Takes the ledger's word: what it no longer counts as ours is not handed out, what is quarantined or
   * unknown goes back. `before`: what was ready when it was asked; what came later it cannot know.
   */
  compare(
    spares: readonly Spare[],
    { before, isPending }: { before: readonly string[]; isPending: (address: string) => boolean },
  ): void {
    const good = new Set(
      spares.filter(({ withheld }) => withheld === undefined).map(({ address }) => address),
    );
    const gone = new Set(before.filter((address) => !good.has(address)));
    this.ready = this.ready.filter((address) => !gone.has(address));
    this.unchecked = this.unchecked.filter((address) => good.has(address));
    const known = new Set([...before, ...this.ready, ...this.unchecked]);
    this.#back = new Set(
      spares
        .filter(({ address, withheld }) => withheld !== undefined || !known.has(address))
        .map(({ address }) => address)
        .filter((address) => !isPending(address)),
    );
  }

  /** What was there at the start is nobody's, as far as it still is in stock. */
  release(spares: readonly Spare[], isPending: (address: string) => boolean): void {
    const still = new Set(spares.map(({ address }) => address));
    const free = this.unchecked.filter((address) => still.has(address) && !isPending(address));
    this.ready.push(...free);
    this.unchecked = [];
  }

  /** What is too much of it is no longer handed out. @returns all that is to be given back */
  surplus(target: number): readonly string[] {
    const most = Math.max(0, target - this.unchecked.length);
    for (const address of this.ready.splice(most)) this.#back.add(address);
    return [...this.#back];
  }

  gaveBack(addresses: readonly string[]): void {
    for (const address of addresses) this.#back.delete(address);
  }
}
