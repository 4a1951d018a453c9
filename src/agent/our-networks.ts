import type { EngineNetwork } from './docker/engine-translate.ts';
import type { Engine } from './docker/engine.ts';
import { nameOfNetwork } from './named-network.ts';
import type { Desk } from '../ledger/desk.ts';

/** Most Docker networks that are remembered as ours or not. */
const MOST = 10_000;

export interface OurNetworksDeps {
  readonly engine: Pick<Engine, 'network'>;
  readonly desk: Pick<Desk, 'poolNamed'>;
  /** The name under which Docker knows our IPAM driver. */
  readonly plugin: string;
}

/** What does not change of a Docker network as long as it is there. */
export interface Lasting {
  /** The ledger's name of it; absent when its options name none. */
  readonly network?: string | undefined;
  readonly labels: EngineNetwork['labels'];
}

/** Which of Docker's networks have their addresses from us; each is asked about once. */
export class OurNetworks {
  readonly #deps: OurNetworksDeps;
  readonly #known = new Map<string, Lasting | 'not ours'>();

  constructor(deps: OurNetworksDeps) {
    this.#deps = deps;
  }

  /** Undefined when it is not ours, or gone. */
  async lasting(id: string, signal: AbortSignal): Promise<Lasting | undefined> {
    if (!this.#known.has(id)) await this.asOfNow(id, signal);
    const known = this.#known.get(id);
    return known === 'not ours' ? undefined : known;
  }

  /** A network with who is attached to it now; undefined when it is not ours, or gone. */
  async asOfNow(id: string, signal: AbortSignal): Promise<EngineNetwork | undefined> {
    if (this.#known.get(id) === 'not ours') return undefined;
    const { engine, plugin } = this.#deps;
    const network = await engine.network(id, signal);
    const ours = network?.ipam.driver === plugin ? network : undefined;
    const known = this.#known.get(id) ?? (await this.#lastingOf(ours, signal));
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(id, ours ? known : 'not ours');
    return ours;
  }

  async #lastingOf(
    network: EngineNetwork | undefined,
    signal: AbortSignal,
  ): Promise<Lasting | 'not ours'> {
    if (network === undefined) return 'not ours';
    const { labels } = network;
    return { network: await nameOfNetwork(this.#deps.desk, network, signal), labels };
  }

  gone(id: string): void {
    this.#known.delete(id);
  }

  /** What happened to networks meanwhile was not heard. */
  forget(): void {
    this.#known.clear();
  }
}
