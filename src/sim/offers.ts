import type { Agenda } from './agenda.ts';
import type { Chance } from './chance.ts';
import type { Fleet } from './fleet.ts';
import { type SimNode, isHeard } from './nodes.ts';
import type { Resources } from './specs/spec.ts';
import type { Timing } from './timing.ts';

export interface Offer {
  readonly id: string;
  readonly node: SimNode;
  readonly resources: Resources;
}

export interface OffersDeps {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly fleet: Fleet;
  readonly timing: Timing;
  readonly master: string;
}

/** Mesos' allocator and the framework's filters: which node is offered when. */
export class Offers {
  /** Offers that the framework has not answered. */
  readonly outstanding = new Map<string, Offer>();
  readonly #deps: OffersDeps;
  /** Node -> until when the framework does not want to see it, ms since the epoch. */
  readonly #filters = new Map<SimNode, number>();
  #count = 0;
  #revivedMs = -Infinity;
  #reviving = false;

  constructor(deps: OffersDeps) {
    this.#deps = deps;
    deps.fleet.watch({ freed: (node) => void this.#filters.delete(node) });
  }

  /** Offers every agent with room, and has each offer answered a moment later. */
  allocate(answer: (offer: Offer) => boolean): void {
    for (const node of this.#deps.chance.shuffled(this.#deps.fleet.nodes)) {
      if (!this.#offerable(node)) continue;
      const id = `${this.#deps.master}-O${this.#count}`;
      this.#count += 1;
      const offer = { id, node, resources: this.#deps.fleet.free(node) };
      this.outstanding.set(id, offer);
      this.#deps.agenda.after(this.#deps.timing.offerMs, () => this.#answered(offer, answer));
    }
  }

  /** Takes a node's offers back. Deactivation leaves no filter behind, a reservation one of `refusedMs`. */
  rescind(node: SimNode, refusedMs?: number): number {
    const mine = [...this.outstanding.values()].filter((offer) => offer.node === node);
    for (const { id } of mine) this.outstanding.delete(id);
    if (refusedMs !== undefined && mine.length > 0)
      this.#filters.set(node, this.#deps.agenda.now() + refusedMs);
    return mine.length;
  }

  /** A new leader knows of no offer and no filter. */
  forget(): void {
    this.outstanding.clear();
    this.#filters.clear();
  }

  /** The framework has work: filters go, but at most once per revive interval. */
  revive(): void {
    if (this.#reviving) return;
    this.#reviving = true;
    const wait = this.#revivedMs + this.#deps.timing.reviveMs - this.#deps.agenda.now();
    this.#deps.agenda.after(wait, () => {
      this.#reviving = false;
      this.#revivedMs = this.#deps.agenda.now();
      this.#filters.clear();
    });
  }

  #offerable(node: SimNode): boolean {
    const { cpus, mem } = this.#deps.fleet.free(node);
    const filtered = (this.#filters.get(node) ?? 0) > this.#deps.agenda.now();
    const offered = [...this.outstanding.values()].some((offer) => offer.node === node);
    const open = isHeard(node) && !node.deactivated && node.token === undefined;
    return open && !filtered && !offered && (cpus >= 0.01 || mem >= 32);
  }

  #answered(offer: Offer, answer: (offer: Offer) => boolean): void {
    if (!this.outstanding.delete(offer.id) || !isHeard(offer.node)) return;
    if (!answer(offer))
      this.#filters.set(offer.node, this.#deps.agenda.now() + this.#deps.timing.declineMs);
  }
}
