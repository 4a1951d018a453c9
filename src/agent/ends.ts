import { canonicalAddress } from '../core/address.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { EngineNetwork } from './docker/engine-translate.ts';
import type { Engine } from './docker/engine.ts';
import type { EngineEvent } from './docker/events.ts';

export interface EndsDeps {
  readonly engine: Pick<Engine, 'network'>;
  /** The name under which Docker knows our IPAM driver. */
  readonly plugin: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Another container is being started. */
  readonly onChange: () => void;
}

export interface Starting {
  readonly container: string;
  readonly bridge: string;
  /** When Docker connected it to its network, ms since the epoch. */
  readonly sinceMs: number;
}

/** Docker may take that long from connecting a container to starting it; one that takes longer is asked for. */
const START_WITHIN_MS = 20_000;

/**
 * Containers that Docker is starting, and their addresses. Its `network connect` event comes some 10 ms
 * after it has asked for the address and 100 ms and more before the container runs; meanwhile Docker says
 * nothing of the container itself, but its network does. Who misses an event here loses only time.
 */
export class Ends {
  readonly #deps: EndsDeps;
  /** Containers that were connected and did not start yet. */
  readonly #starting = new Map<string, Starting>();
  /** Docker network -> address -> container. */
  readonly #networks = new Map<string, ReadonlyMap<string, string>>();
  /** Containers whose start was seen. */
  readonly #started = new Set<string>();
  readonly #asked = new Set<string>();
  #asking: Promise<void> | undefined;

  constructor(deps: EndsDeps) {
    this.#deps = deps;
  }

  /** The container that has the address, when it is being started. */
  startingAt(address: string): Starting | undefined {
    for (const containers of this.#networks.values()) {
      const starting = this.#starting.get(containers.get(address) ?? '');
      if (starting) return starting;
    }
    return undefined;
  }

  hear(event: EngineEvent, signal: AbortSignal): void {
    switch (event.what) {
      case 'connected':
        for (const known of [this.#starting, this.#networks, this.#started]) known.clear();
        return;
      case 'container':
        this.#turned(event.container, event.action);
        return;
      case 'network':
        this.#wired(event, signal);
    }
  }

  /** Resolves when nothing is asked. */
  async idle(): Promise<void> {
    await this.#asking;
  }

  #turned(container: string, action: string): void {
    if (action === 'start') this.#started.add(container);
    else if (action === 'die' || action === 'destroy') this.#started.delete(container);
    else return;
    this.#starting.delete(container);
  }

  #wired(event: Extract<EngineEvent, { what: 'network' }>, signal: AbortSignal): void {
    const { action, networkId, container } = event;
    if (action === 'destroy') this.#networks.delete(networkId);
    if (action !== 'connect' || container === undefined || this.#started.has(container)) return;
    const bridge = `br-${networkId.slice(0, 12)}`;
    this.#starting.set(container, { container, bridge, sinceMs: event.atMs });
    this.#forgetOld();
    this.#asked.add(networkId);
    this.#asking ??= this.#ask(signal).finally(() => {
      this.#asking = undefined;
    });
  }

  #forgetOld(): void {
    const before = this.#deps.clock.now() - START_WITHIN_MS;
    for (const [container, { sinceMs }] of this.#starting)
      if (sinceMs < before) this.#starting.delete(container);
  }

  /** What comes while Docker answers is told by its next answer: one at a time for any number of events. */
  async #ask(signal: AbortSignal): Promise<void> {
    for (const id of this.#asked) {
      this.#asked.delete(id);
      try {
        const network = await this.#deps.engine.network(id, signal);
        if (network?.ipam.driver !== this.#deps.plugin) continue;
        this.#learn(network);
        this.#deps.onChange();
      } catch (fault) {
        if (signal.aborted) return;
        this.#deps.log.debug('a network could not be asked for its ends', { fault: String(fault) });
      }
    }
  }

  #learn({ id, options, endpoints }: EngineNetwork): void {
    const ends = [...endpoints].flatMap(([container, { address, address6 }]) =>
      [address, address6].flatMap((one): [string, string][] =>
        one === undefined ? [] : [[canonicalAddress(one), container]],
      ),
    );
    this.#networks.set(id, new Map(ends));
    const bridge = options['com.docker.network.bridge.name'];
    if (bridge === undefined) return;
    for (const [, container] of ends) {
      const starting = this.#starting.get(container);
      if (starting) this.#starting.set(container, { ...starting, bridge });
    }
  }
}
