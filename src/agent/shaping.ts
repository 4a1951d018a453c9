import type { Uplink } from '../core/shape.ts';
import { keys } from '../ledger/keys.ts';
import { UnknownNode } from '../ledger/lease-errors.ts';
import { records } from '../ledger/records.ts';
import { itemOf, json, type ReadyItem } from './api.ts';
import { events } from './docker/events.ts';
import { type Limits, type LimitReport, startLimits, type WantedLimit } from './limits.ts';
import { Processes } from './processes.ts';
import type { AgentContext, StartPart } from './part.ts';
import { type Shaper, type ShaperState, startShaper, type Wanted } from './shape/shaper.ts';
import { usageMetrics, usageRoutes } from './usage.ts';

/**
 * Limits as a part of an agent: what the ledger says of this node's containers is put in its kernel and
 * read back, and what became of it is told in the ledger.
 *
 * @param netns  path of the network namespace that dockerd works in; absent: the agent's own
 */
export const shapingPart =
  ({ netns }: { readonly netns?: string } = {}): StartPart =>
  (context) => {
    const shaping = new Shaping(context, netns);
    return {
      ready: () => shaping.ready(),
      routes: new Map([
        ['/v1/limits', () => Promise.resolve(json(shaping.shaper.state()))],
        ...usageRoutes(context, shaping),
      ]),
      stop: () => shaping.stop(),
    };
  };

export class Shaping {
  readonly shaper: Shaper;
  readonly #context: AgentContext;
  readonly #limits: Limits;
  readonly #processes: Processes;
  readonly #ending = new AbortController();
  readonly #listening: Promise<void>;
  /** What the pass that runs was told, by address. */
  #told: ReadonlyMap<string, WantedLimit> = new Map();

  constructor(context: AgentContext, netns?: string) {
    this.#context = context;
    const { store, node, clock, log, newName, engine, settings, registry } = context;
    this.#limits = startLimits({ store, node, clock, log, random: newName });
    this.#processes = new Processes(engine);
    this.shaper = startShaper({
      wanted: (signal) => this.#wanted(signal),
      onPass: (state) => this.#limits.report(this.#reports(state)),
      everyMs: settings.shape.everyMs,
      ...{ clock, log },
      ...(netns !== undefined && { netns }),
    });
    this.#limits.onChange(() => this.shaper.wake());
    usageMetrics(registry, this);
    this.#listening = this.#listen();
  }

  /** What is wanted now of the container that has the address. */
  limitOf(address: string): WantedLimit | undefined {
    return this.#told.get(address);
  }

  ready(): readonly ReadyItem[] {
    const { loop, inForce, faults } = this.shaper.state();
    const { following, waiting, unsettled, loop: settling } = this.#limits.state();
    const shaped = itemOf(loop);
    return [
      {
        name: 'limits',
        ready: following && settling.lastFault === undefined,
        detail: `${waiting} to be settled, ${unsettled.size} that cannot be`,
      },
      shaped.ready
        ? { ...shaped, detail: `${inForce.length} in force, ${faults.length} not` }
        : shaped,
    ];
  }

  async stop(): Promise<void> {
    this.#ending.abort(new Error('the agent was stopped'));
    await Promise.all([this.#listening, this.#limits.close(), this.shaper.stop()]);
  }

  /** Docker tells at once who started and who ended; the limits tell when they change. */
  async #listen(): Promise<void> {
    const { signal } = this.#ending;
    for await (const event of events(this.#context, signal)) {
      if (event.what === 'connected') this.#processes.forgetAll();
      else if (event.what === 'container' && TURNS.has(event.action))
        this.#processes.forget(event.container);
      else continue;
      this.shaper.wake();
    }
  }

  /** @throws while Docker or the ledger cannot say: then the kernel is left as it is */
  async #wanted(signal: AbortSignal): Promise<Wanted> {
    if (!this.#limits.known()) throw new Error('the limits of this node were not read yet');
    const wanted = this.#limits.wanted();
    const [uplink, running] = await Promise.all([
      this.#uplink(signal),
      this.#processes.running(new Set(wanted.map(({ container }) => container)), signal),
    ]);
    const asks = wanted.flatMap(({ container, ...limit }) => {
      const process = running.get(container);
      if (!process) return [];
      return [{ ...limit, at: { pid: process.pid, privileged: process.mayMount } }];
    });
    this.#told = new Map(wanted.map((limit) => [limit.address, limit]));
    return { asks, uplink };
  }

  async #uplink(signal: AbortSignal): Promise<Uplink> {
    const { store, node } = this.#context;
    const entry = await store.get(keys.node(node), signal);
    if (!entry) throw new UnknownNode(node);
    return records.node.decode(entry);
  }

  #reports({ inForce, faults }: ShaperState): readonly LimitReport[] {
    const of = (address: string, fault?: string): readonly LimitReport[] => {
      const told = this.#told.get(address);
      if (!told) return [];
      const { netInKbit, netOutKbit } = told;
      return [{ address, netInKbit, netOutKbit, ...(fault !== undefined && { fault }) }];
    };
    return [
      ...inForce.flatMap((address) => of(address)),
      ...faults.flatMap(({ address, says }) => of(address, says)),
    ];
  }
}

/** What makes another process, or none, of a container. */
const TURNS = new Set(['start', 'die', 'restart', 'unpause', 'destroy']);
