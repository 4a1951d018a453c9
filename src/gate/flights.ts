import type { Clock } from '../plumbing/clock.ts';

/** Longest that a change is believed to be under way if nobody says that it has ended, ms. */
const LONGEST_MS = 60_000;

/** A change's turn with its apps. */
class Turn {
  readonly ended: Promise<void>;
  end: () => void = () => undefined;

  constructor(
    readonly apps: ReadonlySet<string>,
    readonly sinceMs: number,
  ) {
    this.ended = new Promise((resolve) => (this.end = resolve));
  }
}

/**
 * Changes under way, by app: from the verdict until Marathon's answer has been settled. Marathon has no "only if",
 * so that a change which is judged meanwhile may find something else there than it was judged on: what only
 * frees would start instances that nobody promised room for, and constraints that are just being added would be
 * taken for lost. So the changes of an app go through a gate one after the other, each judged on what Marathon has
 * after the one before.
 */
export class Flights {
  readonly #clock: Pick<Clock, 'now'>;
  /** The newest turn with each app; it began when the one before had ended. */
  readonly #newest = new Map<string, Turn>();
  /** What the open ones are told: apps of changes that have ended. */
  readonly #told = new Set<Set<string>>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** A change that is about to be judged. To be called before Marathon is asked what it has. */
  open(): Flight {
    const told = new Set<string>();
    this.#told.add(told);
    return new Flight({
      told,
      begin: (apps) => this.#begin(apps),
      earlier: (apps) => this.#earlier(apps),
      end: (turn) => this.#end(turn),
      close: () => this.#told.delete(told),
    });
  }

  #earlier(apps: readonly string[]): readonly Turn[] {
    const since = this.#clock.now() - LONGEST_MS;
    return apps
      .flatMap((app) => this.#newest.get(app) ?? [])
      .filter((turn) => turn.sinceMs > since);
  }

  #begin(apps: readonly string[]): Turn {
    const turn = new Turn(new Set(apps), this.#clock.now());
    for (const app of apps) this.#newest.set(app, turn);
    return turn;
  }

  #end(turn: Turn): void {
    for (const app of turn.apps) {
      if (this.#newest.get(app) === turn) this.#newest.delete(app);
      for (const told of this.#told) told.add(app);
    }
    turn.end();
  }
}

interface Book {
  readonly told: Set<string>;
  readonly earlier: (apps: readonly string[]) => readonly Turn[];
  readonly begin: (apps: readonly string[]) => Turn;
  readonly end: (turn: Turn) => void;
  readonly close: () => void;
}

/** One change on its way through the gate. Say when it has ended. */
export class Flight {
  readonly #book: Book;
  #turn: Turn | undefined;

  constructor(book: Book) {
    this.#book = book;
  }

  /**
   * Waits for the changes of these apps that came before, or until the signal: then it goes on beside them.
   *
   * @returns false: Marathon has to be asked again, for what it said may be older than such a change
   */
  async take(apps: readonly string[], signal: AbortSignal): Promise<boolean> {
    const { told, earlier, begin, end } = this.#book;
    const mine = this.#turn;
    if (apps.every((app) => mine?.apps.has(app))) return true;
    const isOld = apps.some((app) => told.has(app));
    if (mine) end(mine); // all of them at once in the order of arrival, so that no two wait for each other
    const before = earlier(apps);
    this.#turn = begin(apps);
    if (before.length > 0) await untilEnded(before, signal);
    told.clear();
    return before.length === 0 && !isOld;
  }

  /** Marathon's answer is settled, or nothing was sent. Idempotent. */
  end(): void {
    if (this.#turn) this.#book.end(this.#turn);
    this.#turn = undefined;
    this.#book.close();
  }
}

async function untilEnded(turns: readonly Turn[], signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let give = (): void => undefined;
  const givenUp = new Promise<void>((resolve) => (give = resolve));
  signal.addEventListener('abort', give, { once: true });
  await Promise.race([Promise.all(turns.map(({ ended }) => ended)), givenUp]);
  signal.removeEventListener('abort', give);
}
