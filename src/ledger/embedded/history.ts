import { Compacted } from '../errors.ts';
import type { Batch, KeyChange, Revision } from '../store.ts';
import type { Slot } from './tree.ts';

/** What one revision did to one key. `before` is not kept on disk. */
export interface Move {
  readonly key: string;
  readonly before?: Slot;
  readonly after?: Slot;
}

export interface Step {
  readonly revision: Revision;
  readonly moves: readonly Move[];
}

/** How much of the past is kept for watches and for reads at a revision. */
export interface Keep {
  readonly revisions: number;
  readonly characters: number;
}

/** The revisions of one durable write, and its weight. */
interface Group {
  readonly last: Revision;
  readonly characters: number;
}

/** Most revisions and characters handed to a watch at once. */
const BATCH_REVISIONS = 1_000;
const BATCH_CHARACTERS = 1_000_000;

const weigh = (steps: readonly Step[]): number =>
  steps.reduce(
    (sum, { moves }) =>
      moves.reduce(
        (size, { key, after }) => size + key.length + (after?.entry.value.length ?? 0),
        sum + 64,
      ),
    0,
  );

const shown = ({ revision, moves }: Step, prefix: string): KeyChange[] =>
  moves
    .filter(({ key }) => key.startsWith(prefix))
    .map(({ key, after }) => (after ? { key, revision, entry: after.entry } : { key, revision }));

/**
 * Every change of the last revisions, oldest first. Revisions follow each other without a hole, so a
 * step's place is its revision less `floor` less one. Forgets whole groups, as they lie on disk.
 */
export class History {
  readonly #keep: Keep;
  readonly #groups: Group[] = [];
  #steps: Step[] = [];
  /** Steps at the front that are forgotten and not yet cut off. */
  #gone = 0;
  #base: Revision;
  #characters = 0;

  constructor(floor: Revision, keep: Keep) {
    this.#base = floor;
    this.#keep = keep;
  }

  /** The oldest revision that changes can be told after. */
  get floor(): Revision {
    return this.#base + this.#gone;
  }

  /** The newest revision; the newest group is never forgotten. */
  get last(): Revision {
    return this.#base + this.#steps.length;
  }

  append(steps: readonly Step[]): void {
    const last = steps.at(-1);
    if (last === undefined) return;
    const characters = weigh(steps);
    for (const step of steps) this.#steps.push(step);
    this.#groups.push({ last: last.revision, characters });
    this.#characters += characters;
  }

  /** Forgets what is over the bounds. @returns the last revision of each group forgotten */
  forget(): Revision[] {
    const forgotten: Revision[] = [];
    while (this.#isOver()) {
      const oldest = this.#groups.shift();
      if (oldest === undefined) break;
      this.#characters -= oldest.characters;
      this.#gone = oldest.last - this.#base;
      forgotten.push(oldest.last);
    }
    this.#cut();
    return forgotten;
  }

  /**
   * The next changes under `prefix` after `after`.
   *
   * @returns the batch, or how far there was nothing to tell
   * @throws Compacted
   */
  next(prefix: string, after: Revision): { readonly upTo: Revision; readonly batch?: Batch } {
    if (after < this.floor) throw new Compacted(after);
    const changes: KeyChange[] = [];
    let upTo = after;
    let room = BATCH_CHARACTERS;
    const end = Math.min(this.#steps.length, after - this.#base + BATCH_REVISIONS);
    for (let place = after - this.#base; place < end && room > 0; place += 1) {
      const step = this.#steps[place] as Step;
      const told = shown(step, prefix);
      for (const change of told) changes.push(change);
      room -= told.length === 0 ? 0 : weigh([step]);
      upTo = step.revision;
    }
    const last = changes.at(-1);
    return last === undefined ? { upTo } : { upTo, batch: { revision: last.revision, changes } };
  }

  /** The steps after `after`, newest first. */
  *undoing(after: Revision): Iterable<Step> {
    for (let place = this.#steps.length - 1; place >= after - this.#base; place -= 1)
      yield this.#steps[place] as Step;
  }

  #isOver(): boolean {
    if (this.#groups.length <= 1) return false;
    const steps = this.#steps.length - this.#gone;
    return steps > this.#keep.revisions || this.#characters > this.#keep.characters;
  }

  #cut(): void {
    if (this.#gone < 1_000 || this.#gone < this.#steps.length / 2) return;
    this.#steps = this.#steps.slice(this.#gone);
    this.#base += this.#gone;
    this.#gone = 0;
  }
}
