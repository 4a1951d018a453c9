import { isDeepStrictEqual } from 'node:util';
import { type HostLink, isDoomed } from '../../core/shape-links.ts';
import type { Links } from '../../core/shape-read.ts';
import { asWanted, bare, type Seen, type SeenLink } from '../../core/shape-seen.ts';
import type { ShapeStep } from '../../core/shape-step.ts';
import { stepsTowards } from '../../core/shape-steps.ts';
import type { LinkShape, Shape } from '../../core/shape.ts';

/** What was done to one interface and not looked at yet. */
interface Done {
  /** Absent: nobody can say how it was left. */
  readonly shape?: LinkShape;
  /** Absent: it was made then. */
  readonly index?: number;
  readonly act: number;
}

/** What a look found of some interfaces, and what they should be like. */
export interface Found {
  readonly names: Iterable<string>;
  readonly shape: Shape;
  readonly seen: Seen;
  /** Those that are not as they should be. */
  readonly open: ReadonlySet<string>;
}

/**
 * How the kernel stands as far as it can be said without looking: what the last looks found, and what was
 * done since, on the supposition that nobody else did anything meanwhile. Where that is wrong the next
 * look shows it.
 */
export class Standing {
  readonly #shape = new Map<string, LinkShape>();
  readonly #seen = new Map<string, SeenLink>();
  readonly #done = new Map<string, Done>();
  readonly #open = new Set<string>();
  #acts = 0;

  /** What was wanted, and found so. */
  get shape(): Shape {
    return this.#shape;
  }
  get seen(): Seen {
    return this.#seen;
  }

  /** What is done from now on is done `since` it. */
  mark(): number {
    return this.#acts;
  }

  /** Interfaces that something was done to, and nobody looked at after. */
  unseen(mark = -1): ReadonlySet<string> {
    return new Set([...this.#done].flatMap(([name, { act }]) => (act > mark ? name : [])));
  }

  /** Interfaces of which anything is remembered: a look at everything is a look at these too. */
  known(): ReadonlySet<string> {
    return new Set([...this.#seen.keys(), ...this.#done.keys()]);
  }

  /** Interfaces that should have something else than was found there, and others by the same name. */
  changed(links: Links, wanted: Shape): ReadonlySet<string> {
    const names = [...new Set([...this.#shape.keys(), ...wanted.keys()])];
    const changed = names.filter(
      (name) =>
        links.get(name)?.index !== this.#seen.get(name)?.index ||
        !isDeepStrictEqual(this.#shape.get(name), wanted.get(name)),
    );
    const all = new Set([...changed, ...this.unseen()]);
    // Who goes as a group must know who is in it.
    if (all.size > 0) for (const link of links.values()) if (isDoomed(link)) all.add(link.name);
    return all;
  }

  /** @param doubtful  interfaces of which nobody knows what became of the steps */
  acted(
    steps: readonly ShapeStep[],
    { shape, links }: { readonly shape: Shape; readonly links: Links },
    doubtful: ReadonlySet<string>,
  ): void {
    this.#acts += 1;
    for (const name of new Set(steps.map(({ link }) => link))) {
      const [wanted, index] = [
        doubtful.has(name) ? undefined : shape.get(name),
        links.get(name)?.index,
      ];
      this.#done.set(name, {
        act: this.#acts,
        ...(wanted && { shape: wanted }),
        ...(index !== undefined && { index }),
      });
    }
  }

  looked({ names, shape, seen, open }: Found): void {
    for (const name of names) {
      this.#done.delete(name);
      this.#open.delete(name);
      const [wanted, link] = [shape.get(name), seen.get(name)];
      if (wanted && !open.has(name)) this.#shape.set(name, wanted);
      else this.#shape.delete(name);
      if (link) this.#seen.set(name, link);
      else this.#seen.delete(name);
      if (open.has(name)) this.#open.add(name);
    }
  }

  /**
   * Steps that can be taken without a look: for new interfaces, and for classes of those that were left in
   * order. Interfaces of which nobody knows how they were left are left alone, and so is who leads to one.
   */
  steps(wanted: Shape, links: Links): readonly ShapeStep[] {
    const differing = [...wanted].filter(([name, shape]) => this.#differs(name, shape, links));
    const supposed = new Map<string, SeenLink>();
    const unknown = new Set<string>();
    for (const [name] of differing) {
      const link = this.#supposed(name, links);
      if (link === 'unknown') unknown.add(name);
      else if (link) supposed.set(name, link);
    }
    const sure = differing.filter(
      ([name, { redirects }]) =>
        !unknown.has(name) &&
        !unknown.has(redirects.ingress ?? '') &&
        !unknown.has(redirects.egress ?? ''),
    );
    const steps = stepsTowards(
      new Map(sure),
      within(supposed, new Set(sure.map(([name]) => name))),
    );
    const vague = new Set(steps.filter(needsHandle).map(({ link }) => link));
    return steps.filter(({ link }) => !vague.has(link));
  }

  #differs(name: string, wanted: LinkShape, links: Links): boolean {
    const done = this.#done.get(name);
    const index = links.get(name)?.index;
    if (done)
      return (
        !isDeepStrictEqual(done.shape, wanted) || (done.index !== undefined && done.index !== index)
      );
    return (
      index !== this.#seen.get(name)?.index || !isDeepStrictEqual(this.#shape.get(name), wanted)
    );
  }

  /** Undefined when it is not there. */
  #supposed(name: string, links: Links): SeenLink | 'unknown' | undefined {
    const link = links.get(name);
    const done = this.#done.get(name);
    if (done && (done.index === undefined || done.index === link?.index))
      return done.shape ? asWanted(done.shape, link ?? madeIfb(name)) : 'unknown';
    return link && this.#asFound(link);
  }

  #asFound(link: HostLink): SeenLink | 'unknown' {
    const seen = this.#seen.get(link.name);
    if (seen?.index === link.index) return this.#open.has(link.name) ? 'unknown' : seen;
    return link.kind === 'veth' ? bare(link) : 'unknown';
  }
}

/** Made since the interfaces were listed. */
const madeIfb = (name: string): HostLink => ({ name, index: 0, mtu: 1500, up: true, kind: 'ifb' });

/** The kernel gave it one, and only a look would tell which. */
const needsHandle = (step: ShapeStep): boolean =>
  (step.do === 'unsort' && step.handle === '') || (step.do === 'redirect' && step.replaces === '');

export const within = <T>(all: ReadonlyMap<string, T>, only: ReadonlySet<string>): Map<string, T> =>
  new Map([...all].filter(([name]) => only.has(name)));
