import { Refusal } from '../../core/errors.ts';
import type { Links } from '../../core/shape-read.ts';
import type { Limit } from '../../core/shape.ts';
import { hostInterfaceOf, portsOf } from './host-interface.ts';
import type { Fault } from './shaper-deps.ts';
import type { Ask, Clues } from './asks.ts';

interface Known {
  readonly name: string;
  readonly index: number;
}

export interface Found {
  readonly limits: readonly Limit[];
  readonly faults: readonly Fault[];
}

/** An ask is one that nothing was found for. */
type One = Limit | Fault | Ask;

/**
 * Finds the host's end of each container's veth, and remembers it for as long as it is there.
 *
 * A container that is being started has its port on the bridge already, but nothing says which: the ports
 * that are nobody's belong to those that are being started. Each gets one, in the order in which they
 * came; once a container runs it is known, and a port that was mixed up gets its own limit.
 */
export class Finder {
  readonly #known = new Map<string, Known>();
  /** Ports that containers were given while they were being started. */
  readonly #lent = new Map<string, Known>();

  /**
   * Asks for those that run and are not known yet.
   *
   * @returns those that cannot be found, and why; who does not run, or is being started, is none of them
   */
  async learn(asks: readonly Ask[], links: Links, signal: AbortSignal): Promise<readonly Fault[]> {
    const found = await Promise.all(asks.map((ask) => this.#learnOne(ask, links, signal)));
    return found.filter((fault) => fault !== undefined);
  }

  /** Those that started, and are not known yet. */
  strangers(asks: readonly Ask[], links: Links): readonly Ask[] {
    return asks.filter(
      ({ address, at }) =>
        'started' in at && at.started && this.#sure(address, links) === undefined,
    );
  }

  /** Where each is, as far as it is known without asking anybody; the others are left out. */
  place(asks: readonly Ask[], links: Links): Found {
    const asked = new Set(asks.map(({ address }) => address));
    for (const map of [this.#known, this.#lent])
      for (const address of map.keys()) if (!asked.has(address)) map.delete(address);
    const found = asks.map((ask): One => {
      const name =
        'hostInterface' in ask.at ? ask.at.hostInterface : this.#sure(ask.address, links);
      return name === undefined ? ask : limitOf(ask, name, links);
    });
    const limits = found.filter((one) => 'hostInterface' in one);
    const faults = found.filter((one) => 'says' in one);
    const open = found.filter((one) => 'at' in one);
    return { limits: [...limits, ...this.#atPorts(open, limits, links)], faults };
  }

  async #learnOne(
    { address, at }: Ask,
    links: Links,
    signal: AbortSignal,
  ): Promise<Fault | undefined> {
    if ('hostInterface' in at || this.#sure(address, links) !== undefined) return undefined;
    try {
      const whose = await at.process(signal);
      const name = whose && (await hostInterfaceOf({ ...whose, address }, links, signal));
      const link = links.get(name ?? '');
      if (link) this.#known.set(address, link);
      return undefined;
    } catch (fault: unknown) {
      if (!(fault instanceof Refusal)) throw fault;
      return { address, says: fault.message, passing: true };
    }
  }

  #sure(address: string, links: Links): string | undefined {
    return stillThere(this.#known.get(address), links);
  }

  /** A port for each, as far as there are ports that are nobody's; who was lent one keeps it. */
  #atPorts(open: readonly Ask[], limits: readonly Limit[], links: Links): readonly Limit[] {
    const taken = new Set(limits.map(({ hostInterface }) => hostInterface));
    const portOf = new Map<string | undefined, string>();
    const take = (ask: Ask, name: string | undefined): readonly Limit[] => {
      const container = startingOf(ask)?.container;
      const isOwn = container !== undefined && portOf.get(container) === name;
      const port = links.get(name ?? '');
      if (!port || (taken.has(port.name) && !isOwn)) return [];
      taken.add(port.name);
      portOf.set(container, port.name);
      this.#lent.set(ask.address, port);
      return [placed(ask, port.name)];
    };
    const lent = open.flatMap((ask) => take(ask, stillThere(this.#lent.get(ask.address), links)));
    const served = new Set(lent.map(({ address }) => address));
    const waiting = open
      .filter(({ address }) => !served.has(address))
      .sort((a, b) => sinceMs(a) - sinceMs(b));
    return [
      ...lent,
      ...waiting.flatMap((ask) => {
        const { bridge, container } = startingOf(ask) ?? {};
        if (bridge === undefined) return [];
        const free = portsOf(bridge, links).find(({ name }) => !taken.has(name))?.name;
        return take(ask, portOf.get(container) ?? free);
      }),
    ];
  }
}

const startingOf = ({ at }: Ask): Clues['starting'] =>
  'hostInterface' in at ? undefined : at.starting;

const sinceMs = (ask: Ask): number => startingOf(ask)?.sinceMs ?? 0;

const stillThere = (known: Known | undefined, links: Links): string | undefined =>
  known && links.get(known.name)?.index === known.index ? known.name : undefined;

function placed(ask: Ask, hostInterface: string): Limit {
  const { address, netInKbit, netOutKbit, classMinor } = ask;
  return { address, netInKbit, netOutKbit, classMinor, hostInterface };
}

const limitOf = (ask: Ask, hostInterface: string, links: Links): Limit | Fault =>
  links.has(hostInterface)
    ? placed(ask, hostInterface)
    : { address: ask.address, says: `interface "${hostInterface}" is gone`, passing: true };
