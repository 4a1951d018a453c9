import type { Counts } from './owed.ts';

const NONE: Counts = new Map();

const same = (one: Counts, other: Counts): boolean => {
  if (one === other) return true;
  if (one.size !== other.size) return false;
  for (const [place, count] of one) if (other.get(place) !== count) return false;
  return true;
};

/** What apps take at places (nodes or pools), found from either side. */
export class Places {
  readonly #byApp = new Map<string, Counts>();
  readonly #byPlace = new Map<string, Map<string, number>>();
  readonly #totals = new Map<string, number>();

  /** @returns the places whose sums may have changed */
  put(app: string, counts: Counts): string[] {
    const before = this.of(app);
    if (same(before, counts)) return [];
    for (const [place, count] of before) this.#add(app, place, -count);
    for (const [place, count] of counts) this.#add(app, place, count);
    if (counts.size === 0) this.#byApp.delete(app);
    else this.#byApp.set(app, counts);
    return [...before.keys(), ...counts.keys()];
  }

  #add(app: string, place: string, count: number): void {
    const apps = this.#byPlace.get(place) ?? new Map<string, number>();
    const left = (apps.get(app) ?? 0) + count;
    if (left === 0) apps.delete(app);
    else apps.set(app, left);
    if (apps.size === 0) this.#byPlace.delete(place);
    else this.#byPlace.set(place, apps);
    const total = this.total(place) + count;
    if (total === 0) this.#totals.delete(place);
    else this.#totals.set(place, total);
  }

  of(app: string): Counts {
    return this.#byApp.get(app) ?? NONE;
  }

  apps(): IterableIterator<string> {
    return this.#byApp.keys();
  }

  /** Apps at `place`, each with its count. */
  at(place: string): Counts {
    return this.#byPlace.get(place) ?? NONE;
  }

  total(place: string): number {
    return this.#totals.get(place) ?? 0;
  }
}
