import { isDeepStrictEqual } from 'node:util';
import type { Links } from '../../core/shape-read.ts';
import { asWanted, bare, type Seen, type SeenLink } from '../../core/shape-seen.ts';
import type { ShapeStep } from '../../core/shape-step.ts';
import { stepsTowards } from '../../core/shape-steps.ts';
import type { LinkShape, Shape } from '../../core/shape.ts';

interface Left {
  readonly shape: Shape;
  readonly seen: Seen;
}

interface Done {
  readonly shape: LinkShape;
  /** Absent: it was made then. */
  readonly index?: number;
}

/** What was done since the last look, on the supposition that nobody else did anything meanwhile. */
export class Ahead {
  readonly #done = new Map<string, Done>();

  names(): ReadonlySet<string> {
    return new Set(this.#done.keys());
  }

  /** All of it was looked at. */
  seen(): void {
    this.#done.clear();
  }

  /**
   * Steps that can be taken without a look: for new interfaces, and for classes of those that were left in
   * order. None when one of the interfaces is there and nobody knows how it was left.
   */
  steps(left: Left, wanted: Shape, links: Links): readonly ShapeStep[] {
    const names = [...wanted.keys()].filter((name) => this.#differs(name, left, wanted, links));
    const supposed = new Map<string, SeenLink>();
    for (const name of names) {
      const link = links.get(name);
      const seen = this.#supposed(name, left, links);
      if (seen) supposed.set(name, seen);
      else if (link) return [];
    }
    const steps = stepsTowards(within(wanted, new Set(names)), supposed);
    if (steps.some(needsHandle)) return [];
    for (const name of names) this.#note(name, wanted, links);
    return steps;
  }

  #differs(name: string, left: Left, wanted: Shape, links: Links): boolean {
    const done = this.#done.get(name);
    const index = links.get(name)?.index;
    if (done)
      return (
        !isDeepStrictEqual(done.shape, wanted.get(name)) ||
        (done.index !== undefined && done.index !== index)
      );
    return (
      index !== left.seen.get(name)?.index ||
      !isDeepStrictEqual(left.shape.get(name), wanted.get(name))
    );
  }

  #supposed(name: string, left: Left, links: Links): SeenLink | undefined {
    const link = links.get(name);
    if (!link) return undefined;
    const done = this.#done.get(name);
    if (done && (done.index === undefined || done.index === link.index))
      return asWanted(done.shape, link);
    const seen = left.seen.get(name);
    if (seen?.index === link.index) return seen;
    return link.kind === 'veth' ? bare(link) : undefined;
  }

  #note(name: string, wanted: Shape, links: Links): void {
    const shape = wanted.get(name);
    const index = links.get(name)?.index;
    if (shape) this.#done.set(name, { shape, ...(index === undefined ? {} : { index }) });
  }
}

/** The kernel gave it one, and only a look would tell which. */
const needsHandle = (step: ShapeStep): boolean =>
  (step.do === 'unsort' && step.handle === '') || (step.do === 'redirect' && step.replaces === '');

export const within = <T>(all: ReadonlyMap<string, T>, only: ReadonlySet<string>): Map<string, T> =>
  new Map([...all].filter(([name]) => only.has(name)));
