import { Refusal } from '../../core/errors.ts';
import type { Links } from '../../core/shape-read.ts';
import type { Limit } from '../../core/shape.ts';
import { hostInterfaceOf, portsOf } from './host-interface.ts';
import type { Ask, Clues, Fault } from './shaper.ts';

interface Known {
  readonly name: string;
  readonly index: number;
}

export interface Found {
  readonly limits: readonly Limit[];
  readonly faults: readonly Fault[];
}

type Starting = Ask & { readonly at: { readonly starting: NonNullable<Clues['starting']> } };
type One = Limit | Fault | Starting | undefined;

/**
 * Finds the host's end of each container's veth, and remembers it for as long as it is there.
 *
 * A container that is being started has its port on the bridge already, but nothing says which: the ports
 * that are nobody's belong to those that are being started. Each gets one, in the order in which they
 * came; once a container runs it is known, and a port that was mixed up gets its own limit.
 */
export class Finder {
  readonly #known = new Map<string, Known>();

  /** Asks of containers that do not run, nor are being started, are left out. */
  async find(asks: readonly Ask[], links: Links, signal: AbortSignal): Promise<Found> {
    const asked = new Set(asks.map(({ address }) => address));
    for (const address of this.#known.keys()) if (!asked.has(address)) this.#known.delete(address);
    const found = await Promise.all(asks.map((ask) => this.#one(ask, links, signal)));
    const limits = found.filter((one) => one !== undefined && 'hostInterface' in one);
    const faults = found.filter((one) => one !== undefined && 'says' in one);
    const starting = found.filter((one) => one !== undefined && 'at' in one);
    return { limits: [...limits, ...atPorts(starting, limits, links)], faults };
  }

  async #one(ask: Ask, links: Links, signal: AbortSignal): Promise<One> {
    const { at, ...rest } = ask;
    const { address } = rest;
    if ('hostInterface' in at)
      return links.has(at.hostInterface)
        ? { ...rest, hostInterface: at.hostInterface }
        : { address, says: `interface "${at.hostInterface}" is gone`, passing: true };
    try {
      const hostInterface = await this.#search(address, at, links, signal);
      if (hostInterface !== undefined) return { ...rest, hostInterface };
      return at.starting && { ...ask, at: { ...at, starting: at.starting } };
    } catch (fault: unknown) {
      if (!(fault instanceof Refusal)) throw fault;
      return { address, says: fault.message, passing: true };
    }
  }

  async #search(
    address: string,
    { process }: Clues,
    links: Links,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const known = this.#known.get(address);
    if (known && links.get(known.name)?.index === known.index) return known.name;
    const whose = await process(signal);
    const name = whose && (await hostInterfaceOf({ ...whose, address }, links, signal));
    const link = links.get(name ?? '');
    if (link) this.#known.set(address, link);
    return name;
  }
}

/** One port of its bridge for each that is being started, as far as there are ports that are nobody's. */
function atPorts(
  starting: readonly Starting[],
  limits: readonly Limit[],
  links: Links,
): readonly Limit[] {
  const taken = new Set(limits.map(({ hostInterface }) => hostInterface));
  const inTurn = [...starting].sort((a, b) => a.at.starting.sinceMs - b.at.starting.sinceMs);
  return inTurn.flatMap(
    ({
      at: {
        starting: { bridge },
      },
      ...rest
    }): Limit[] => {
      const port = portsOf(bridge, links).find(({ name }) => !taken.has(name));
      if (!port) return [];
      taken.add(port.name);
      return [{ ...rest, hostInterface: port.name }];
    },
  );
}
