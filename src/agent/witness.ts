import { canonicalAddress } from '../core/address.ts';
import { type ContainerSays, factsOf, type FactNames } from '../core/container-facts.ts';
import type { Completion, Desk } from '../ledger/desk.ts';
import type { Read } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { ratesSoFar, type RatesSoFarDeps } from './asked-rates.ts';
import { factsAbout } from './docker-look.ts';
import { EarlyWords, type Words } from './early-words.ts';
import type { Attached, Endpoint } from './docker/engine-translate.ts';
import type { Engine } from './docker/engine.ts';
import type { EngineEvent } from './docker/events.ts';
import { Misses } from './misses.ts';
import { type Lasting, OurNetworks } from './our-networks.ts';

export interface WitnessDeps {
  readonly engine: Pick<Engine, 'network' | 'container'>;
  /** Asked for containers that were made and did not start; absent: nobody is. */
  readonly early?: Pick<Engine, 'container'>;
  /** Docker's events, until the signal; see docker/events.ts. */
  readonly events: (signal: AbortSignal) => AsyncIterable<EngineEvent>;
  readonly desk: Pick<Desk, 'complete' | 'poolNamed'>;
  readonly store: Pick<Read, 'get'>;
  /** The holding that this node has of an address; undefined when it knows of none. */
  readonly holdingAt: (address: string) => { readonly incarnation: string } | undefined;
  /** The name under which Docker knows our IPAM driver. */
  readonly plugin: string;
  readonly factNames: FactNames;
  readonly clock: Clock;
  readonly log: Log;
  /** An event was missed, or could not be made use of: the reconcile heals it. */
  readonly onMissed: () => void;
  /** What a container says in a way that cannot be used; the network's default stands for it. */
  readonly onOdd?: (container: string, odd: ContainerSays['faults']) => void;
}

export interface WitnessState {
  readonly listening: boolean;
  readonly completed: number;
  readonly missed: number;
  readonly odd: number;
}

/** Sees which container got which address, and writes it into the lease. */
export interface Witness {
  state(): WitnessState;
  /** Ends once what was begun has ended. Idempotent. */
  stop(): Promise<void>;
}

/** Longest that one event is worked on, Docker's answers and the ledger's together, ms. */
const WITHIN_MS = 10_000;
/** Most events that are worked on at the same time. */
const MOST_AT_ONCE = 64;

/**
 * Docker's request for an address names no container. A few milliseconds later its `network connect`
 * event does, and the network then says which address and MAC that container has; once the container
 * has started, its environment says the rest. Whatever is missed, the reconcile finds.
 */
export function startWitness(deps: WitnessDeps): Witness {
  const watching = new Watching(deps);
  const ended = watching.run();
  return {
    state: () => watching.state(),
    stop: () => {
      watching.stop();
      return ended;
    },
  };
}

/** A container's end of a network of ours. */
type End = Endpoint & Lasting;
type Says = Omit<Completion, 'address' | 'incarnation' | 'container'> & {
  readonly container: string;
};

class Watching {
  readonly #deps: WitnessDeps;
  readonly #stopped = new AbortController();
  readonly #busy = new Set<Promise<void>>();
  readonly #ours: OurNetworks;
  /** Ends of containers that are being started, and were not heard of before. */
  readonly #unsaid = new Map<string, End>();
  readonly #early: EarlyWords | undefined;
  readonly #misses: Misses;
  readonly #rating: RatesSoFarDeps;
  #state: Omit<WitnessState, 'missed'> = { listening: false, completed: 0, odd: 0 };

  constructor(deps: WitnessDeps) {
    this.#deps = deps;
    this.#ours = new OurNetworks(deps);
    const { early: engine, onMissed: look } = deps;
    this.#misses = new Misses({ ...deps, look }, this.#stopped.signal);
    this.#rating = {
      ...{ store: deps.store, names: deps.factNames.rates },
      onOdd: (...odd) => this.#odd(...odd),
      onEarlyOdd: (...odd) => this.#oddEarly(...odd),
    };
    this.#early = engine && new EarlyWords({ engine, onKnown: (words) => this.#said(words) });
  }

  state(): WitnessState {
    return { ...this.#state, missed: this.#misses.count };
  }

  stop(): void {
    this.#stopped.abort(new Error('the witness was stopped'));
  }

  async run(): Promise<void> {
    const { signal } = this.#stopped;
    try {
      for await (const event of this.#deps.events(signal)) {
        this.#early?.hear(event, signal);
        if (event.what === 'connected') this.#connected();
        else this.#begin(this.#workFor(event));
        if (this.#busy.size >= MOST_AT_ONCE) await Promise.race(this.#busy);
      }
    } catch (fault) {
      if (!signal.aborted) throw fault;
    } finally {
      this.#state = { ...this.#state, listening: false };
      await Promise.all(this.#busy);
    }
  }

  /** What happened before is not told. */
  #connected(): void {
    this.#state = { ...this.#state, listening: true };
    this.#ours.forget();
    this.#unsaid.clear();
    this.#deps.onMissed();
  }

  #begin(work: ((signal: AbortSignal) => Promise<void>) | undefined): void {
    if (work === undefined) return;
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(WITHIN_MS)]);
    const done = work(signal)
      .catch((fault: unknown) => this.#misses.add(String(fault)))
      .finally(() => this.#busy.delete(done));
    this.#busy.add(done);
  }

  #workFor(
    event: Exclude<EngineEvent, { what: 'connected' }>,
  ): ((signal: AbortSignal) => Promise<void>) | undefined {
    if (event.what === 'container') {
      if (event.action === 'die' || event.action === 'destroy')
        this.#unsaid.delete(event.container);
      return event.action === 'start'
        ? (signal) => this.#started(event.container, signal)
        : undefined;
    }
    const { action, networkId, container } = event;
    if (action === 'destroy') this.#ours.gone(networkId);
    return action === 'connect' && container !== undefined
      ? (signal) => this.#attached(networkId, container, signal)
      : undefined;
  }

  async #attached(networkId: string, container: string, signal: AbortSignal): Promise<void> {
    const network = await this.#ours.asOfNow(networkId, signal);
    const endpoint = network?.endpoints.get(container);
    const lasting = endpoint && (await this.#ours.lasting(networkId, signal));
    if (!endpoint || !lasting) return; // gone already
    const end = { ...endpoint, ...lasting };
    const words = this.#early?.of(container);
    if (words === undefined) this.#unsaid.set(container, end);
    await this.#complete(end, { container, ...(words && this.#factsOf(words)) }, signal);
  }

  /** The end came first. */
  #said(words: Words): void {
    const end = this.#unsaid.get(words.id);
    if (!end) return;
    this.#unsaid.delete(words.id);
    this.#begin((signal) =>
      this.#complete(end, { container: words.id, ...this.#factsOf(words) }, signal),
    );
  }

  #factsOf(words: Words): Omit<ContainerSays, 'faults'> {
    const { faults, ...says } = factsOf(words, this.#deps.factNames);
    if (faults.length > 0) this.#oddEarly(words.id, faults);
    return says;
  }

  /** Docker can be asked about the container only now: before, it would have withheld the answer. */
  async #started(id: string, signal: AbortSignal): Promise<void> {
    this.#unsaid.delete(id);
    const container = await this.#deps.engine.container(id, signal);
    if (container === undefined) return;
    const ends = await this.#endsOfOurs(container.attached, signal);
    if (ends.length === 0) return; // what other containers say is nobody's business here
    const facts = factsAbout({ ...this.#deps, onOdd: (...odd) => this.#odd(...odd) }, container);
    for (const end of ends) await this.#complete(end, { container: id, ...facts }, signal);
  }

  #odd(container: string, faults: ContainerSays['faults']): void {
    this.#state = { ...this.#state, odd: this.#state.odd + 1 };
    this.#deps.onOdd?.(container, faults);
  }

  /** Before its start, which tells it again: only noted. */
  #oddEarly(container: string, faults: ContainerSays['faults']): void {
    this.#deps.log.debug('odd words', { container, faults });
  }

  async #endsOfOurs(attached: readonly Attached[], signal: AbortSignal): Promise<readonly End[]> {
    const ends: End[] = [];
    for (const end of attached) {
      if (end.networkId === undefined) continue;
      const lasting = await this.#ours.lasting(end.networkId, signal);
      if (lasting) ends.push({ ...end, network: lasting.network, labels: lasting.labels });
    }
    return ends;
  }

  async #complete(end: End, says: Says, signal: AbortSignal): Promise<void> {
    const { address, address6, mac } = end;
    const rates = await ratesSoFar(this.#rating, says, end, signal);
    const addresses = [address, address6].filter((one) => one !== undefined).map(canonicalAddress);
    for (const one of addresses) {
      const holding = this.#deps.holdingAt(one);
      if (holding === undefined) {
        this.#misses.add(`nothing is known of ${one}, which a container has`);
        continue;
      }
      const { incarnation } = holding;
      const known = {
        ...{ address: one, incarnation, ...says, ...rates },
        ...(mac === undefined ? {} : { mac }),
      };
      if ((await this.#deps.desk.complete(known, signal)) === 'done')
        this.#state = { ...this.#state, completed: this.#state.completed + 1 };
      else this.#misses.add(`the lease of ${one} is not as this node knows it`);
    }
  }
}
