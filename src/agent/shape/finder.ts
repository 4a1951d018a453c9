import { Refusal } from '../../core/errors.ts';
import type { Links } from '../../core/shape-read.ts';
import type { Limit } from '../../core/shape.ts';
import { hostInterfaceBefore, hostInterfaceOf } from './host-interface.ts';
import type { Ask, Clues, Fault } from './shaper.ts';

interface Known {
  readonly name: string;
  readonly index: number;
}

export interface Found {
  readonly limits: readonly Limit[];
  readonly faults: readonly Fault[];
}

/** Finds the host's end of each container's veth, and remembers it for as long as it is there. */
export class Finder {
  readonly #known = new Map<string, Known>();

  /** Asks of containers that do not run are left out. */
  async find(asks: readonly Ask[], links: Links, signal: AbortSignal): Promise<Found> {
    const asked = new Set(asks.map(({ address }) => address));
    for (const address of this.#known.keys()) if (!asked.has(address)) this.#known.delete(address);
    const found = await Promise.all(asks.map((ask) => this.#one(ask, links, signal)));
    return {
      limits: found.flatMap((one) => (one && !('says' in one) ? one : [])),
      faults: found.flatMap((one) => (one && 'says' in one ? one : [])),
    };
  }

  async #one(
    { at, ...rest }: Ask,
    links: Links,
    signal: AbortSignal,
  ): Promise<Limit | Fault | undefined> {
    const { address } = rest;
    try {
      const hostInterface =
        'hostInterface' in at ? at.hostInterface : await this.#search(address, at, links, signal);
      if (hostInterface === undefined) return undefined;
      if (links.has(hostInterface)) return { ...rest, hostInterface };
      return { address, says: `interface "${hostInterface}" is gone`, passing: true };
    } catch (fault: unknown) {
      if (!(fault instanceof Refusal)) throw fault;
      return { address, says: fault.message, passing: true };
    }
  }

  async #search(
    address: string,
    clues: Clues,
    links: Links,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const known = this.#known.get(address);
    if (known && links.get(known.name)?.index === known.index) return known.name;
    const name = clues.mac === undefined ? undefined : hostInterfaceBefore(clues.mac, links);
    const found = name ?? (await ofProcess(address, clues, links, signal));
    const link = links.get(found ?? '');
    if (link) this.#known.set(address, link);
    return found;
  }
}

async function ofProcess(
  address: string,
  { process }: Clues,
  links: Links,
  signal: AbortSignal,
): Promise<string | undefined> {
  const whose = await process(signal);
  return whose && hostInterfaceOf({ ...whose, address }, links, signal);
}
