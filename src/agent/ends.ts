import { canonicalAddress } from '../core/address.ts';
import type { Log } from '../plumbing/log.ts';
import type { EngineNetwork } from './docker/engine-translate.ts';
import type { Engine } from './docker/engine.ts';
import type { EngineEvent } from './docker/events.ts';

export interface EndsDeps {
  readonly engine: Pick<Engine, 'network'>;
  /** The name under which Docker knows our IPAM driver. */
  readonly plugin: string;
  readonly log: Log;
  /** An end is known that was not. */
  readonly onChange: () => void;
}

/**
 * Containers' ends of Docker's networks, each known some 10 ms after Docker has asked for its address and
 * some 100 ms before the container runs. Nothing is lost with an event: it only saves time.
 */
export class Ends {
  readonly #deps: EndsDeps;
  /** Docker network -> address -> MAC. */
  readonly #macs = new Map<string, ReadonlyMap<string, string>>();
  readonly #asked = new Set<string>();
  #asking: Promise<void> | undefined;

  constructor(deps: EndsDeps) {
    this.#deps = deps;
  }

  /** Of the container's end that has the address. */
  macOf(address: string): string | undefined {
    for (const macs of this.#macs.values()) {
      const mac = macs.get(address);
      if (mac !== undefined) return mac;
    }
    return undefined;
  }

  hear(event: EngineEvent, signal: AbortSignal): void {
    if (event.what === 'connected') this.#macs.clear();
    if (event.what !== 'network') return;
    if (event.action === 'destroy') this.#macs.delete(event.networkId);
    if (event.action !== 'connect' && event.action !== 'disconnect') return;
    this.#asked.add(event.networkId);
    this.#asking ??= this.#ask(signal).finally(() => {
      this.#asking = undefined;
    });
  }

  /** Resolves when nothing is asked. */
  async idle(): Promise<void> {
    await this.#asking;
  }

  /** What comes while Docker answers is told by its next answer: one at a time, for any number of events. */
  async #ask(signal: AbortSignal): Promise<void> {
    for (const id of this.#asked) {
      this.#asked.delete(id);
      try {
        const network = await this.#deps.engine.network(id, signal);
        if (network?.ipam.driver !== this.#deps.plugin) continue;
        this.#macs.set(id, macsIn(network));
        this.#deps.onChange();
      } catch (fault) {
        if (signal.aborted) return;
        this.#deps.log.debug('a network could not be asked for its ends', { fault: String(fault) });
      }
    }
  }
}

const macsIn = ({ endpoints }: EngineNetwork): ReadonlyMap<string, string> =>
  new Map(
    [...endpoints.values()].flatMap(({ address, address6, mac }) =>
      [address, address6].flatMap((one): [string, string][] =>
        one === undefined || mac === undefined ? [] : [[canonicalAddress(one), mac]],
      ),
    ),
  );
