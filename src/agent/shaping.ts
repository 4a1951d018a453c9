import type { Uplink } from '../core/shape.ts';
import { fullWay } from '../core/link-full.ts';
import { keys } from '../ledger/keys.ts';
import { NoBandwidthLeft, UnknownNode } from '../ledger/lease-errors.ts';
import { records } from '../ledger/records.ts';
import { itemOf, json, type ReadyItem } from './api.ts';
import { events } from './docker/events.ts';
import { type Limits, type LimitReport, startLimits, type WantedLimit } from './limits.ts';
import { type Process, Processes } from './processes.ts';
import type { AgentContext, StartPart } from './part.ts';
import { type Shaper, startShaper } from './shape/shaper.ts';
import type { ShaperState } from './shape/shaper-deps.ts';
import type { Ask, Wanted } from './shape/asks.ts';
import { Starts } from './starts.ts';
import { forcedMetric, usageMetrics, usageRoutes } from './usage.ts';

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
  readonly #starts: Starts;
  readonly #ending = new AbortController();
  readonly #unbar: () => void;
  readonly #listening: Promise<void>;
  /** What the pass that runs was told, by address. */
  #told: ReadonlyMap<string, WantedLimit> = new Map();
  #uplink: { readonly of: Uplink; readonly atMs: number } | undefined;

  constructor(context: AgentContext, netns?: string) {
    this.#context = context;
    const { store, node, clock, log, newName, engine, settings, registry } = context;
    this.#limits = startLimits({ store, node, clock, log, random: newName });
    this.#processes = new Processes(engine);
    this.#starts = new Starts({
      ...{ engine, clock, log, plugin: settings.plugin },
      onChange: () => this.shaper.wake(),
    });
    this.shaper = startShaper({
      wanted: (signal) => this.#wanted(signal),
      wantedNow: () => this.#wantedNow(),
      onPass: (state, asks) => this.#limits.report(this.#reports(state, asks)),
      everyMs: settings.shape.everyMs,
      ...{ clock, log },
      ...(netns !== undefined && { netns }),
    });
    this.#limits.onChange(() => this.shaper.wake());
    this.#unbar = context.allocator.refusals.barredBy((network) => this.#barOf(network));
    usageMetrics(registry, this);
    forcedMetric(registry, () => this.#limits.wanted());
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
    this.#unbar();
    await Promise.all([this.#listening, this.#limits.close(), this.shaper.stop()]);
    await this.#starts.idle();
  }

  /** Once the limits of a node's containers add up to its link, no more containers start there. */
  #barOf(network: string): NoBandwidthLeft | undefined {
    const link = this.#uplink?.of;
    const full = link && fullWay(this.#limits.started(), link);
    return full && new NoBandwidthLeft(network, this.#context.node, full, link);
  }

  /**
   * Docker tells who is being started, who started and who ended; the limits tell when they change. Before
   * a container runs, its lease has the limits of its network, and they are in force; what its environment
   * asks for comes after.
   */
  async #listen(): Promise<void> {
    const { signal } = this.#ending;
    for await (const event of events(this.#context, signal)) {
      this.#starts.hear(event, signal);
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
    await this.#learnUplink(signal);
    const wanted = this.#wantedNow();
    if (!wanted) throw new Error('the link of this node was not read yet');
    return wanted;
  }

  #wantedNow(): Wanted | undefined {
    const { of: uplink } = this.#uplink ?? {};
    if (!uplink || !this.#limits.known()) return undefined;
    const wanted = this.#limits.wanted();
    const running = once((signal: AbortSignal) => this.#running(wanted, signal));
    const asks = wanted.map((limit) => {
      const { container, address, netInKbit, netOutKbit, classMinor } = limit;
      const starting = this.#starts.startingAt(limit);
      const started = container !== undefined && this.#starts.hasStarted(container);
      const process = async (signal: AbortSignal) => {
        if (starting || container === undefined) return undefined;
        if (!started) return (await running(signal)).get(container);
        return whoseOf(await this.#processes.of(container, signal));
      };
      const at = { process, ...(started && { started }), ...(starting && { starting }) };
      return { address, netInKbit, netOutKbit, classMinor, at };
    });
    this.#told = new Map(wanted.map((limit) => [limit.address, limit]));
    return { asks, uplink };
  }

  async #running(
    wanted: readonly WantedLimit[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ReturnType<typeof whoseOf>>> {
    const ids = new Set(wanted.flatMap(({ container }) => container ?? []));
    const running = await this.#processes.running(ids, signal);
    return new Map([...running].map(([id, process]) => [id, whoseOf(process)]));
  }

  async #learnUplink(signal: AbortSignal): Promise<void> {
    const { store, node, clock, settings } = this.#context;
    const atMs = clock.now();
    if (this.#uplink && this.#uplink.atMs + settings.shape.everyMs / 2 > atMs) return;
    const entry = await store.get(keys.node(node), signal);
    if (!entry) throw new UnknownNode(node);
    this.#uplink = { of: records.node.decode(entry), atMs };
  }

  #reports({ inForce, faults }: ShaperState, asks: readonly Ask[]): readonly LimitReport[] {
    const judged = new Map(asks.map((ask) => [ask.address, ask]));
    const of = (address: string, fault?: Pick<LimitReport, 'fault' | 'passing'>) => {
      const ask = judged.get(address);
      if (!ask) return [];
      const { netInKbit, netOutKbit } = ask;
      return [{ address, netInKbit, netOutKbit, ...fault }];
    };
    return [
      ...inForce.flatMap((address) => of(address)),
      ...faults.flatMap(({ address, says, passing }) =>
        of(address, { fault: says, ...(passing && { passing }) }),
      ),
    ];
  }
}

const whoseOf = (process: Process | undefined) =>
  process && { pid: process.pid, privileged: process.mayMount };

function once<T>(ask: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let asked: Promise<T> | undefined;
  return (signal) => (asked ??= ask(signal));
}

/** What makes another process, or none, of a container. */
const TURNS = new Set(['start', 'die', 'restart', 'unpause', 'destroy']);
