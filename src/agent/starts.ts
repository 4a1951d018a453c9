import { inRange, parseAddress, parseCidr, type Range, rangeOfCidr } from '../core/address.ts';
import { Refusal } from '../core/errors.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { EngineNetwork } from './docker/engine-translate.ts';
import type { Engine } from './docker/engine.ts';
import type { EngineEvent } from './docker/events.ts';
import type { WantedLimit } from './limit-picture.ts';

export interface StartsDeps {
  readonly engine: Pick<Engine, 'networks'>;
  /** The name under which Docker knows our IPAM driver. */
  readonly plugin: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where addresses are became known. */
  readonly onChange: () => void;
}

export interface Starting {
  /** Absent until Docker has said whose the address is. */
  readonly container?: string;
  readonly bridge: string;
  /** When Docker asked for the address, ms since the epoch. */
  readonly sinceMs: number;
}

interface Subnet {
  readonly range: Range;
  readonly bridge: string;
}

/** Docker may take that long from asking for an address to starting the container. */
const START_WITHIN_MS = 60_000;

/**
 * Containers that Docker is starting: their address is leased, the bridge is known by its subnet, and no
 * event has told of their start. Docker itself is asked only which networks there are, for it is slow to
 * answer while it starts many. Who misses an event here loses only time.
 */
export class Starts {
  readonly #deps: StartsDeps;
  /** Containers whose start was seen. */
  readonly #started = new Set<string>();
  /** Docker networks that were looked at, ours or not. */
  readonly #networks = new Map<string, readonly Subnet[]>();
  #learning: Promise<void> | undefined;

  constructor(deps: StartsDeps) {
    this.#deps = deps;
  }

  /** Undefined for one that runs, as far as anybody has said, and for what is on no bridge of ours. */
  startingAt({ address, container, pendingSinceMs }: WantedLimit): Starting | undefined {
    if (pendingSinceMs === undefined || this.#started.has(container ?? '')) return undefined;
    if (pendingSinceMs + START_WITHIN_MS < this.#deps.clock.now()) return undefined;
    // The port of its IPv4 address is its port, once it is known whose the two are.
    if (container === undefined && address.includes(':')) return undefined;
    const bridge = this.#bridgeOf(address);
    return bridge === undefined
      ? undefined
      : { bridge, sinceMs: pendingSinceMs, ...(container !== undefined && { container }) };
  }

  hasStarted(container: string): boolean {
    return this.#started.has(container);
  }

  hear(event: EngineEvent, signal: AbortSignal): void {
    switch (event.what) {
      case 'connected':
        this.#started.clear();
        this.#networks.clear();
        this.#learn(signal);
        return;
      case 'container':
        if (event.action === 'start') this.#started.add(event.container);
        if (event.action === 'die' || event.action === 'destroy')
          this.#started.delete(event.container);
        return;
      case 'network':
        if (event.action === 'destroy') this.#networks.delete(event.networkId);
        else if (!this.#networks.has(event.networkId)) this.#learn(signal);
    }
  }

  /** Resolves when nothing is asked. */
  async idle(): Promise<void> {
    await this.#learning;
  }

  #bridgeOf(text: string): string | undefined {
    const address = parseAddress(text);
    for (const subnets of this.#networks.values())
      for (const { range, bridge } of subnets) if (inRange(range, address)) return bridge;
    return undefined;
  }

  /** What comes while Docker answers is asked by the next event of it. */
  #learn(signal: AbortSignal): void {
    const { engine, plugin, log, onChange } = this.#deps;
    this.#learning ??= engine
      .networks(signal)
      .then(
        (networks) => {
          for (const network of networks)
            this.#networks.set(
              network.id,
              network.ipam.driver === plugin ? subnetsOf(network) : [],
            );
          onChange();
        },
        (fault: unknown) => {
          if (!signal.aborted)
            log.debug('the networks could not be listed', { fault: String(fault) });
        },
      )
      .finally(() => {
        this.#learning = undefined;
      });
  }
}

/** A bridge that nobody named has the name that Docker makes of its network's id. */
function subnetsOf({ id, driver, options, ipam }: EngineNetwork): readonly Subnet[] {
  if (driver !== 'bridge') return [];
  const bridge = options['com.docker.network.bridge.name'] ?? `br-${id.slice(0, 12)}`;
  return ipam.pools.flatMap(({ subnet }) => {
    try {
      return [{ range: rangeOfCidr(parseCidr(subnet)), bridge }];
    } catch (fault) {
      if (fault instanceof Refusal) return []; // what does not read finds nobody
      throw fault;
    }
  });
}
