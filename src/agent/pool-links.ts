import type { Desk } from '../ledger/desk.ts';
import type { EngineNetwork } from './docker/engine-translate.ts';
import type { Engine } from './docker/engine.ts';
import { networkNamed } from './named-network.ts';

export interface PoolLinksDeps {
  readonly engine: Pick<Engine, 'networks'>;
  readonly desk: Pick<Desk, 'pools' | 'poolNamed'>;
  /** The name under which Docker knows our IPAM driver. */
  readonly plugin: string;
}

/** Which interface of this node leads to the wire of each pool, by the Docker networks that are there. */
export class PoolLinks {
  readonly #deps: PoolLinksDeps;
  #links: ReadonlyMap<string, string> = new Map();

  constructor(deps: PoolLinksDeps) {
    this.#deps = deps;
  }

  /** Pools whose wire is known. */
  get known(): readonly string[] {
    return [...this.#links.keys()].sort();
  }

  /** As of the last look. */
  of(pool: string): string | undefined {
    return this.#links.get(pool);
  }

  /** @throws as Engine.networks, LedgerUnreachable */
  async look(signal: AbortSignal): Promise<void> {
    const { engine, desk, plugin } = this.#deps;
    const links = new Map<string, string>();
    for (const network of await engine.networks(signal)) {
      const link = network.ipam.driver === plugin ? linkOf(network) : undefined;
      if (link === undefined) continue;
      const named = await networkNamed(desk, network, signal);
      const subnets = new Set(network.ipam.pools.map(({ subnet }) => subnet));
      for (const { name, record } of named?.pools ?? [])
        if (subnets.has(record.cidr)) links.set(name, link);
    }
    this.#links = links;
  }
}

/**
 * Docker's bridge driver names its interface after the network's id unless it is told a name; a macvlan
 * is on its parent's wire. Undefined for other drivers.
 */
export function linkOf({ driver, id, options }: EngineNetwork): string | undefined {
  if (driver === 'bridge')
    return options['com.docker.network.bridge.name'] ?? `br-${id.slice(0, 12)}`;
  return driver === 'macvlan' ? options['parent'] : undefined;
}
