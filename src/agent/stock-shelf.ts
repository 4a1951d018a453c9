import type { Look } from './reconcile-hands.ts';
import type { NamedPool, PoolUse, Spare } from '../ledger/desk.ts';

interface Comparing {
  readonly before: readonly string[];
  /** It was handed out, and no lease says so yet. */
  readonly isOut: (address: string) => boolean;
}

/** One pool's stock, as the agent has it in memory. */
export class Shelf {
  /** To be handed out, the oldest first. */
  ready: string[] = [];
  /** There when the agent started: perhaps handed out by the one before. */
  unchecked: readonly string[] = [];
  /** In stock by the ledger's word, but to be given back. */
  #back = new Set<string>();
  /** In stock by the ledger's word, but a container runs on it: neither handed out nor given back. */
  readonly #runs = new Set<string>();
  /** Of these, what the last looks did not find, and since when. */
  readonly #missed = new Map<string, number>();
  /** When addresses of the pool were last asked for, ms since the epoch. */
  askedMs?: number;
  surveyedMs?: number;
  survey = { room: 0, sharers: 1 };
  /** Absent while the node may hand nothing of it out, as far as known. */
  facts?: { readonly network: string; readonly prefix: number; readonly gateway?: string };

  /** Ours, whether it can be handed out or not. */
  get count(): number {
    return this.ready.length + this.unchecked.length;
  }

  /** Nothing of it is here in any way. */
  get isBare(): boolean {
    return this.count + this.#back.size + this.#runs.size === 0;
  }

  pop(fits: (address: string) => boolean): string | undefined {
    const at = this.ready.findIndex(fits);
    return at < 0 ? undefined : this.ready.splice(at, 1)[0];
  }

  surveyed(
    { network, record, space }: NamedPool,
    { use, atMs }: { readonly use: PoolUse; readonly atMs: number },
  ): void {
    this.surveyedMs = atMs;
    const { size, held, cooling, quarantined, nodes } = use;
    this.survey = { room: size - held - cooling - quarantined, sharers: nodes.length };
    this.facts = {
      network,
      prefix: space.cidr.prefix,
      ...(record.gateway !== undefined && { gateway: record.gateway }),
    };
  }

  /** The node does not reach the pool, or no network has it. */
  closed(atMs: number): void {
    this.surveyedMs = atMs;
    delete this.facts;
  }

  /** What was there when the agent started. */
  found(spares: readonly Spare[]): void {
    this.unchecked = spares.map(({ address }) => address);
  }

  /**
   * Takes the ledger's word: what it no longer counts as ours is not handed out, what is quarantined or
   * unknown goes back. `before`: what was ready when it was asked; what came later it cannot know.
   */
  compare(spares: readonly Spare[], { before, isOut }: Comparing): void {
    const ours = new Map(spares.map(({ address, withheld }) => [address, withheld === undefined]));
    const gone = new Set(before.filter((address) => ours.get(address) !== true));
    this.ready = this.ready.filter((address) => !gone.has(address));
    this.unchecked = this.unchecked.filter((address) => ours.has(address));
    const kept = new Set([...before.filter((one) => !gone.has(one)), ...this.ready]);
    for (const address of this.#runs) if (!ours.has(address)) this.#runs.delete(address);
    for (const address of [...this.unchecked, ...this.#runs]) kept.add(address);
    this.#back = new Set(
      [...ours.keys()].filter((address) => !kept.has(address) && !isOut(address)),
    );
  }

  /** What was there at the start is nobody's. */
  checked(spares: readonly Spare[]): void {
    const good = new Set(
      spares.filter(({ withheld }) => withheld === undefined).map(({ address }) => address),
    );
    for (const address of this.unchecked)
      if (good.has(address)) this.ready.push(address);
      else this.#back.add(address);
    this.unchecked = [];
  }

  runs(address: string): void {
    this.#missed.delete(address);
    if (![...this.ready, ...this.unchecked, ...this.#back].includes(address)) return;
    this.#runs.add(address);
    this.#back.delete(address);
    this.ready = this.ready.filter((one) => one !== address);
    this.unchecked = this.unchecked.filter((one) => one !== address);
  }

  /** Nobody runs on it any more. */
  runsNoMore(address: string): void {
    this.#runs.delete(address);
    this.#missed.delete(address);
  }

  /** What no look has found for so long has ended without ever becoming a lease. */
  looked({ running, steadyMs, apartMs }: Look): void {
    for (const address of this.#runs) {
      const sinceMs = running.has(address) ? undefined : (this.#missed.get(address) ?? steadyMs);
      if (sinceMs === undefined) this.#missed.delete(address);
      else if (steadyMs - sinceMs >= apartMs) this.runsNoMore(address);
      else this.#missed.set(address, sinceMs);
    }
  }

  /** Not to be handed out of stock, for somebody has it or shall have it. */
  withdraw(address: string): 'ready' | 'unchecked' | 'unknown' {
    if (this.unchecked.includes(address)) return 'unchecked';
    this.#back.delete(address);
    const at = this.ready.indexOf(address);
    if (at < 0) return 'unknown';
    this.ready.splice(at, 1);
    return 'ready';
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
