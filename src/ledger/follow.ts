import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { eitherSignal } from './abort.ts';
import { Compacted, LedgerUnreachable } from './errors.ts';
import type { Batch, Entry, Revision, Store } from './store.ts';

/** What is told of a prefix. Both run to their end before the next is told. */
export interface Follower {
  /** All entries under the prefix as of `revision`; whatever was known before is void. */
  reset(entries: readonly Entry[], revision: Revision): void | Promise<void>;
  /** The changes after what was told last. */
  change(batch: Batch): void | Promise<void>;
}

/** How following goes, for /ready. Read it whenever you like; it changes by itself. */
export interface Following {
  /** True while the watch is on and nothing went wrong since it was last told something. */
  readonly following: boolean;
  /** True until the first full read, and while a full read is due again. */
  readonly behind: boolean;
  /** The newest revision told. */
  readonly revision: Revision;
  /** The last fault met; undefined once changes come in again. */
  readonly fault?: Error;
}

export interface FollowDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

const PAGE = 5_000;
/** How often the ledger is asked for a sign of life: a watch survives its absence in silence. */
const CHECK_EVERY_MS = 2_000;
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 1_000;

/** A prefix being followed. `done` rejects with the signal's reason, or with a fault of the follower. */
export interface Follow {
  readonly state: Following;
  readonly done: Promise<never>;
}

/**
 * Tells a follower all that is under `prefix` and then every change, each once and in order: reads the
 * prefix in pages at one revision and watches from there; reads again when history was compacted; waits
 * and goes on from the last revision when the ledger is away.
 */
export function follow(
  deps: FollowDeps,
  prefix: string,
  follower: Follower,
  signal: AbortSignal,
): Follow {
  const state: State = { following: false, behind: true, revision: 0 };
  const done = new Pursuit(deps, prefix, follower, state).run(signal);
  done.catch(() => undefined);
  return { state, done };
}

type State = { -readonly [K in keyof Following]: Following[K] };

class Pursuit {
  readonly #deps: FollowDeps;
  readonly #prefix: string;
  readonly #follower: Follower;
  readonly #state: State;
  #pauseMs = FIRST_PAUSE_MS;
  #watching = false;
  #followerFailed = false;

  constructor(deps: FollowDeps, prefix: string, follower: Follower, state: State) {
    this.#deps = deps;
    this.#prefix = prefix;
    this.#follower = follower;
    this.#state = state;
  }

  async run(signal: AbortSignal): Promise<never> {
    const checking = new AbortController();
    const either = eitherSignal(signal, checking.signal);
    this.#check(either.signal).catch(() => undefined);
    try {
      for (;;) {
        signal.throwIfAborted();
        try {
          if (this.#state.behind) await this.#reset(signal);
          await this.#watch(signal);
        } catch (fault) {
          await this.#recover(fault, signal);
        }
      }
    } finally {
      checking.abort();
      either.drop();
      this.#state.following = false;
    }
  }

  async #check(signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#deps.clock.sleep(CHECK_EVERY_MS, signal);
      try {
        await this.#deps.store.range({ prefix: this.#prefix, limit: 1 }, signal);
        if (this.#watching) this.#well();
      } catch (fault) {
        signal.throwIfAborted();
        this.#ill(fault);
      }
    }
  }

  async #reset(signal: AbortSignal): Promise<void> {
    const entries: Entry[] = [];
    const first = await this.#page({ limit: PAGE }, entries, signal);
    let more = first.more;
    while (more) {
      const after = entries.at(-1)?.key ?? '';
      const next = { limit: PAGE, at: first.revision, after };
      more = (await this.#page(next, entries, signal)).more;
    }
    await this.#tell(() => this.#follower.reset(entries, first.revision));
    this.#state.behind = false;
    this.#state.revision = first.revision;
  }

  async #page(
    query: { limit: number; at?: Revision; after?: string },
    into: Entry[],
    signal: AbortSignal,
  ) {
    const page = await this.#deps.store.range({ prefix: this.#prefix, ...query }, signal);
    for (const entry of page.entries) into.push(entry);
    return page;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    this.#watching = true;
    this.#well();
    for await (const batch of this.#deps.store.watch(this.#prefix, this.#state.revision, signal)) {
      await this.#tell(() => this.#follower.change(batch));
      this.#state.revision = batch.revision;
      this.#well();
    }
  }

  /** What a follower throws ends the following, even when it looks like a fault of the ledger. */
  async #tell(telling: () => void | Promise<void>): Promise<void> {
    try {
      await telling();
    } catch (fault) {
      this.#followerFailed = true;
      throw fault;
    }
  }

  #well(): void {
    this.#state.following = true;
    delete this.#state.fault;
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  #ill(fault: unknown): void {
    this.#state.following = false;
    this.#state.fault = fault as Error;
  }

  async #recover(fault: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#watching = false;
    this.#ill(fault);
    const mayPass = fault instanceof Compacted || fault instanceof LedgerUnreachable;
    if (this.#followerFailed || !mayPass) throw fault;
    const wasBehind = this.#state.behind;
    if (fault instanceof Compacted) this.#state.behind = true;
    this.#deps.log.warn('following is interrupted', { prefix: this.#prefix, fault: fault.message });
    if (this.#state.behind && !wasBehind) return;
    await this.#deps.clock.sleep(this.#pauseMs, signal);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }
}
