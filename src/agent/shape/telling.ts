import { wantedShape, type WantedShape } from '../../core/shape-wanted.ts';
import type { Links } from '../../core/shape-read.ts';
import type { Kernel, Limit } from '../../core/shape.ts';
import { Finder } from './finder.ts';
import { probeKernel } from './probe.ts';
import type { Fault, ShaperDeps } from './shaper-deps.ts';
import type { Ask, Wanted } from './asks.ts';

const DEFAULT_MTU = 1500;

/** What is wanted, told in the words of the kernel. */
export interface Told extends Pick<WantedShape, 'shape' | 'sharers'> {
  readonly asks: readonly Ask[];
  readonly limits: readonly Limit[];
  /** Limits that nothing can be tried for. */
  readonly faults: readonly Fault[];
}

/** What is wanted at any moment, of containers that were found. */
export class Telling {
  readonly #deps: Pick<ShaperDeps, 'wanted' | 'wantedNow'>;
  readonly #finder = new Finder();
  #asked: Wanted | undefined;
  #kernel: Kernel | undefined;

  constructor(deps: Pick<ShaperDeps, 'wanted' | 'wantedNow'>) {
    this.#deps = deps;
  }

  get kernel(): Kernel | undefined {
    return this.#kernel;
  }

  async ask(signal: AbortSignal): Promise<Wanted> {
    this.#asked = await this.#deps.wanted(signal);
    return this.#asked;
  }

  /** @returns those that cannot be found, and why */
  async learn(
    { asks }: Pick<Wanted, 'asks'>,
    links: Links,
    signal: AbortSignal,
  ): Promise<readonly Fault[]> {
    this.#kernel ??= await probeKernel(signal);
    return this.#finder.learn(asks, links, signal);
  }

  /** Those that started, and were not found yet. */
  strangers(links: Links): readonly Ask[] {
    return this.#finder.strangers(this.#newest()?.asks ?? [], links);
  }

  /** What is wanted at this moment. */
  tell(links: Links, lost: readonly Fault[] = []): Told {
    const wanted = this.#newest();
    const nothing = { shape: new Map(), sharers: new Map(), limits: [], asks: [], faults: lost };
    if (!wanted || !this.#kernel) return nothing;
    const { limits, faults } = this.#finder.place(wanted.asks, links);
    const mtuOf = (name: string): number => links.get(name)?.mtu ?? DEFAULT_MTU;
    const node = { uplink: wanted.uplink, kernel: this.#kernel, mtuOf };
    const told = wantedShape(limits, node);
    const placed = new Set(limits.map(({ address }) => address));
    const stillLost = lost.filter(({ address }) => !placed.has(address));
    return {
      ...{ ...told, asks: wanted.asks, limits },
      faults: [...stillLost, ...faults, ...told.faults],
    };
  }

  #newest(): Wanted | undefined {
    return this.#deps.wantedNow?.() ?? this.#asked;
  }
}
