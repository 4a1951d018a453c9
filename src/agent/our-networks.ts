import type { EngineNetwork } from './docker/engine-translate.ts';
import type { Engine } from './docker/engine.ts';

/** Most Docker networks that are remembered as ours or not. */
const MOST = 10_000;

/** Which of Docker's networks have their addresses from us; each is asked about once. */
export class OurNetworks {
  readonly #engine: Pick<Engine, 'network'>;
  readonly #plugin: string;
  readonly #known = new Map<string, boolean>();

  /** @param plugin  the name under which Docker knows our IPAM driver */
  constructor(engine: Pick<Engine, 'network'>, plugin: string) {
    this.#engine = engine;
    this.#plugin = plugin;
  }

  async has(id: string, signal: AbortSignal): Promise<boolean> {
    return this.#known.get(id) ?? (await this.asOfNow(id, signal)) !== undefined;
  }

  /** A network with who is attached to it now; undefined when it is not ours, or gone. */
  async asOfNow(id: string, signal: AbortSignal): Promise<EngineNetwork | undefined> {
    if (this.#known.get(id) === false) return undefined;
    const network = await this.#engine.network(id, signal);
    const isOurs = network?.ipam.driver === this.#plugin;
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(id, isOurs);
    return isOurs ? network : undefined;
  }

  gone(id: string): void {
    this.#known.delete(id);
  }

  /** What happened to networks meanwhile was not heard. */
  forget(): void {
    this.#known.clear();
  }
}
