import { notFound } from '../errors.ts';
import type { Spec } from '../specs/spec.ts';
import { type Root, emptyRoot } from './root.ts';

/** Roots that Marathon keeps. */
const KEEP = 50;

/** What Marathon was told, now and before. */
export class History {
  /** The version of the process start; rollbacks of deployments answer with it. */
  readonly started: string;
  #roots: Root[];
  readonly #now: () => number;
  #lastMs: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#lastMs = now();
    this.started = new Date(this.#lastMs).toISOString();
    this.#roots = [emptyRoot(this.started)];
  }

  get root(): Root {
    return this.#roots.at(-1) ?? emptyRoot(this.started);
  }

  /** A version that no earlier one equals: the time, or a millisecond past the last. */
  stamp(): string {
    this.#lastMs = Math.max(this.#now(), this.#lastMs + 1);
    return new Date(this.#lastMs).toISOString();
  }

  store(root: Root): void {
    this.#roots = [...this.#roots, root].slice(-KEEP);
  }

  /** Versions of one spec, the newest first. */
  of(id: string): Spec[] {
    const seen = new Map<string, Spec>();
    for (const root of this.#roots.toReversed()) {
      const spec = root.specs.get(id);
      if (spec && !seen.has(spec.version)) seen.set(spec.version, spec);
    }
    return [...seen.values()];
  }

  /** The root at a version, or undefined. */
  at(version: string): Root | undefined {
    return this.#roots.findLast((root) => root.version === version);
  }

  /** Versions of the root that had a group, the newest first. */
  versionsOf(group: string): string[] {
    return this.#roots
      .filter(({ groups }) => groups.has(group))
      .map(({ version }) => version)
      .reverse();
  }

  /** @throws ApiRefusal 404 */
  spec(kind: 'App' | 'Pod', id: string, version: string): Spec {
    const found = this.of(id).find((spec) => spec.version === version);
    if (!found) throw notFound(`${kind} '${id}' in version '${version}'`);
    return found;
  }
}
