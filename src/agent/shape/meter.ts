import { samplesOf, type Usage, type Used, usageAfter } from '../../core/shape-usage.ts';
import type { Limit, Shape } from '../../core/shape.ts';
import type { Clock } from '../../plumbing/clock.ts';
import type { Reader } from './reader.ts';

const SHARED_MS = 500;

export interface InForce {
  readonly limits: readonly Limit[];
  readonly shape: Shape;
}

/** Usage by sampling all queues in one dump. */
export class Meter {
  readonly #deps: { readonly clock: Clock; readonly reader: Reader };
  #used: Used | undefined;
  #sampling: Promise<Used> | undefined;

  constructor(deps: { readonly clock: Clock; readonly reader: Reader }) {
    this.#deps = deps;
  }

  /** @throws ToolFailed, UnreadableKernel */
  async usage(inForce: InForce, signal: AbortSignal): Promise<readonly Usage[]> {
    const { clock } = this.#deps;
    const fresh = this.#used && clock.now() - this.#used.atMs < SHARED_MS ? this.#used : undefined;
    const { kept } = fresh ?? (await this.#sample(inForce, signal));
    return [...kept.values()].map(({ usage }) => usage);
  }

  #sample({ limits, shape }: InForce, signal: AbortSignal): Promise<Used> {
    const { clock, reader } = this.#deps;
    this.#sampling ??= reader
      .qdiscs(signal)
      .then((qdiscs) => {
        this.#used = usageAfter(this.#used, samplesOf(limits, shape, qdiscs), clock.now());
        return this.#used;
      })
      .finally(() => {
        this.#sampling = undefined;
      });
    return this.#sampling;
  }
}
