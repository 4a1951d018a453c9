import type { HeldRecord } from '../core/held-record.ts';
import type { AppRatesRecord, InjectedRecord } from '../core/promise-record.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { bySignal } from '../plumbing/deadline.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { BadRecord } from './errors.ts';
import { type Follow, follow } from './follow.ts';
import { keys, prefixes } from './keys.ts';
import type { Batch, Entry, Revision, Store } from './store.ts';
import { emptyPicture, feed, type Picture } from './view-feed.ts';

/** For /ready. */
export interface ViewState {
  /** The picture was read and is being followed. */
  readonly ready: boolean;
  /** How long ago the ledger was last heard of, at most; 0 while following. */
  readonly behindMs: number;
  readonly lastFault?: string;
}

/** The room's records as one picture, kept up to date. Everything is as of one revision. */
export interface View {
  /** The picture itself. Made anew when the ledger had to be read again: do not keep it. */
  readonly snapshot: Snapshot;
  readonly held: ReadonlyMap<string, HeldRecord>;
  readonly injected: ReadonlyMap<string, InjectedRecord>;
  readonly appRates: ReadonlyMap<string, AppRatesRecord>;
  /** Newest revision in the picture. */
  readonly revision: Revision;
  /** Of the admission record; 0 before the first. */
  readonly sequence: number;
  /** Revision of the admission record's last write, to guard on; 0 while there is none. */
  readonly admissionRevision: Revision;
  /**
   * Resolves when all that was written under `prefixes.room` up to `revision` is in the picture. Other
   * keys move the ledger's revision too, so when nothing comes, the newest admission being in the
   * picture is enough.
   *
   * @throws the signal's reason; LedgerUnreachable
   */
  whenAt(revision: Revision, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when what was written under `prefixes.room` at `revision` is in the picture, however long that takes. To
   * be asked only where something was: nothing comes of a revision of other keys.
   *
   * @throws the signal's reason
   */
  whenShown(revision: Revision, signal: AbortSignal): Promise<void>;
  /** Records that do not read. An unreadable block gives no address, an unreadable tally no bandwidth. */
  faults(): readonly BadRecord[];
  state(): ViewState;
  /** Calls back after every change, with the picture whole. @returns what ends that */
  onChange(listener: () => void): () => void;
  /** Rejects when the view has ended: with the signal's reason, or with a bug. */
  readonly done: Promise<never>;
}

export interface ViewDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a revision may be in coming before it is asked whether it was one of the room's. */
const GRACE_MS = 20;

/**
 * Follows the room. The view is there at once, empty and not ready; `opened` resolves with the first
 * full picture.
 */
export function startView(
  store: Store,
  deps: ViewDeps,
  signal: AbortSignal,
): { readonly view: View; readonly opened: Promise<void> } {
  const view = new RoomView(store, deps, signal);
  return { view, opened: bySignal(signal, () => view.opened()) };
}

/** Follows the room and waits for the first full picture. @throws the signal's reason */
export async function openView(store: Store, deps: ViewDeps, signal: AbortSignal): Promise<View> {
  const { view, opened } = startView(store, deps, signal);
  await opened;
  return view;
}

interface Waiter {
  readonly until: (view: View) => boolean;
  readonly resolve: () => void;
}

class RoomView implements View {
  readonly #store: Store;
  readonly #deps: ViewDeps;
  readonly #follow: Follow;
  readonly #listeners = new Set<() => void>();
  readonly #waiters = new Set<Waiter>();
  #picture: Picture = emptyPicture();
  #revision: Revision = 0;
  #read = false;
  #ended = false;
  #heardMs: number;

  constructor(store: Store, deps: ViewDeps, signal: AbortSignal) {
    this.#store = store;
    this.#deps = deps;
    this.#heardMs = deps.clock.now();
    const follower = {
      reset: (entries: readonly Entry[], revision: Revision) => this.#reset(entries, revision),
      change: (batch: Batch) => this.#change(batch),
    };
    this.#follow = follow({ store, ...deps }, prefixes.room, follower, signal);
    this.#follow.done.catch((fault: unknown) => {
      this.#ended = true;
      if (!signal.aborted) deps.log.error('the view of the ledger ended', { fault });
    });
  }

  get snapshot(): Snapshot {
    this.#picture.snapshot.setNow(this.#deps.clock.now());
    return this.#picture.snapshot;
  }

  get held(): ReadonlyMap<string, HeldRecord> {
    return this.#picture.held;
  }

  get injected(): ReadonlyMap<string, InjectedRecord> {
    return this.#picture.injected;
  }

  get appRates(): ReadonlyMap<string, AppRatesRecord> {
    return this.#picture.appRates;
  }

  get revision(): Revision {
    return this.#revision;
  }

  get sequence(): number {
    return this.#picture.sequence;
  }

  get admissionRevision(): Revision {
    return this.#picture.admissionRevision;
  }

  get done(): Promise<never> {
    return this.#follow.done;
  }

  /** Beside the picture in use, and swapped in whole: nobody sees half a ledger. */
  #reset(entries: readonly Entry[], revision: Revision): void {
    const picture = emptyPicture();
    picture.snapshot.replaceFacts(this.#picture.snapshot.facts());
    picture.snapshot.setHomeRegion(this.#picture.snapshot.homeRegion);
    for (const entry of entries) feed(picture, entry.key, entry);
    this.#picture = picture;
    this.#read = true;
    this.#moved(revision);
  }

  #change({ changes, revision }: Batch): void {
    for (const { key, entry } of changes) feed(this.#picture, key, entry);
    this.#moved(revision);
  }

  #moved(revision: Revision): void {
    this.#revision = revision;
    this.#heardMs = this.#deps.clock.now();
    for (const waiter of [...this.#waiters]) if (waiter.until(this)) waiter.resolve();
    for (const listener of [...this.#listeners])
      try {
        listener();
      } catch (fault: unknown) {
        this.#deps.log.error('a listener of the view failed', { fault });
      }
  }

  async #when(until: (view: View) => boolean, signal: AbortSignal): Promise<void> {
    if (until(this)) return;
    let waiter: Waiter | undefined;
    const moved = new Promise<void>((resolve) => {
      waiter = { until, resolve };
      this.#waiters.add(waiter);
    });
    try {
      await bySignal(signal, () => Promise.race([moved, this.done]));
    } finally {
      if (waiter) this.#waiters.delete(waiter);
    }
  }

  async opened(): Promise<void> {
    await this.#when(() => this.#read, new AbortController().signal);
  }

  async whenAt(revision: Revision, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#revision >= revision) return;
    const soon = new AbortController();
    const graceOver = this.#deps.clock.sleep(GRACE_MS, AbortSignal.any([signal, soon.signal]));
    const reached = this.#when(
      () => this.#revision >= revision,
      AbortSignal.any([signal, soon.signal]),
    );
    try {
      await Promise.race([reached, graceOver]);
    } finally {
      soon.abort();
      await Promise.allSettled([reached, graceOver]);
    }
    if (this.#revision < revision) await this.#whenAdmitted(revision, signal);
  }

  async whenShown(revision: Revision, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#when(() => this.#revision >= revision, signal);
  }

  async #whenAdmitted(revision: Revision, signal: AbortSignal): Promise<void> {
    const newest = (await this.#store.get(keys.admission, signal))?.revision ?? 0;
    await this.#when(
      () => this.#revision >= revision || this.#picture.admissionRevision >= newest,
      signal,
    );
  }

  faults(): readonly BadRecord[] {
    return [...this.#picture.faults.values()];
  }

  state(): ViewState {
    const { following, fault } = this.#follow.state;
    const nowMs = this.#deps.clock.now();
    if (following) this.#heardMs = nowMs;
    return {
      ready: this.#read && following && !this.#ended,
      behindMs: nowMs - this.#heardMs,
      ...(fault && { lastFault: fault.message }),
    };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
