import type { Agenda } from '../agenda.ts';
import type { Chance } from '../chance.ts';
import type { Fleet } from '../fleet.ts';
import type { SimNode } from '../nodes.ts';
import type { Offers } from '../offers.ts';
import type { Timing } from '../timing.ts';
import { type Reply, reply } from './reply.ts';
import type { MesosTraits } from './traits.ts';

export interface MasterDeps {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly fleet: Fleet;
  readonly offers: Offers;
  readonly timing: Timing;
  readonly id: string;
  readonly traits: MesosTraits;
}

/** `--agent_reregister_timeout`. */
const GIVEN_UP_MS = 600_000;

/**
 * How the next switch of an agent goes wrong: `lost` is done and its answer cut off, `dropped` is cut off
 * undone, `busy` is 409.
 */
export type Trouble = 'lost' | 'dropped' | 'busy';

/** What the registry and the leading master know of agents besides offers, and what operators do. */
export class Master {
  readonly traits: MesosTraits;
  /** Taken one by one by the next switches. */
  readonly troubles: Trouble[] = [];
  electedMs: number;
  readonly #deps: MasterDeps;
  #abdicate: () => void = () => this.succeed();
  #renewed = 0;

  constructor(deps: MasterDeps) {
    this.#deps = deps;
    this.traits = deps.traits;
    this.electedMs = deps.agenda.now();
    deps.fleet.watch({ freed: (node) => this.#checkDrain(node) });
  }

  /** Who sees to it that another master leads, and says so with `succeed`. */
  onAbdication(listener: () => void): void {
    this.#abdicate = listener;
  }

  /** The leading master is lost. */
  abdicate(): void {
    this.#abdicate();
  }

  /** Whoever leads now knows agents from the registry only, until they register again. */
  succeed(): void {
    const { agenda, chance, fleet, offers, timing } = this.#deps;
    this.electedMs = agenda.now();
    offers.forget();
    for (const node of fleet.nodes) {
      if (!node.reachable) continue;
      node.recovered = true;
      const [low, high] = timing.reregisterMs;
      agenda.after(chance.between(low, high), () => fleet.readmit(node));
      agenda.after(GIVEN_UP_MS, () => fleet.giveUp(node));
    }
  }

  /** The agent lost its work directory and registers as somebody new: no flag, no tasks. */
  renew(node: SimNode): void {
    const { fleet, offers, id } = this.#deps;
    offers.rescind(node);
    node.deactivated = false;
    node.drain = undefined;
    node.token = undefined;
    this.#renewed += 1;
    fleet.renew(node, `${id}-S${fleet.nodes.length + this.#renewed - 1}`);
  }

  deactivate(agentId: string): Reply {
    const node = this.#known(agentId);
    if (!node) return reply(400, 'Unknown agent');
    this.#close(node);
    return reply(200);
  }

  reactivate(agentId: string): Reply {
    const node = this.#known(agentId);
    if (!node?.deactivated) return reply(400, 'Agent is not deactivated');
    if (node.drain === 'DRAINING') return reply(400, 'Agent is still in the DRAINING state');
    node.deactivated = false;
    node.drain = undefined;
    return node.reachable && !node.recovered
      ? reply(200)
      : reply(409, 'Agent removed while processing the call');
  }

  /** Every task is killed; nothing is offered until an operator reactivates it. */
  drain(agentId: string): Reply {
    const node = this.#known(agentId);
    if (!node) return reply(400, 'Unknown agent');
    node.drain = 'DRAINING';
    this.#close(node);
    for (const { task } of this.#deps.fleet.on(node)) this.#deps.fleet.kill(task);
    this.#checkDrain(node);
    return reply(200);
  }

  /** Registered, recovered or unreachable: the registry has it. */
  #known(agentId: string): SimNode | undefined {
    return this.#deps.fleet.nodes.find((node) => node.agentId === agentId);
  }

  #close(node: SimNode): void {
    node.deactivated = true;
    this.#deps.offers.rescind(node);
  }

  #checkDrain(node: SimNode): void {
    if (node.drain === 'DRAINING' && node.reachable && this.#deps.fleet.on(node).length === 0)
      node.drain = 'DRAINED';
  }
}
