import { randomUUID } from 'node:crypto';
import type { Clock } from '../../plumbing/clock.ts';
import type { Log } from '../../plumbing/log.ts';
import { eitherSignal, unlessAborted } from '../abort.ts';
import { LedgerClosed } from '../errors.ts';
import { checkChange, checkKey, checkQuery, holdSeconds } from '../limits.ts';
import type { Batch, Holding, Outcome, Revision, Store } from '../store.ts';
import { openFiles } from './files.ts';
import type { Files } from './files.ts';
import type { Keep } from './history.ts';
import { Leases } from './leases.ts';
import type { Asked, Operation } from './stage.ts';
import { Writer } from './writer.ts';

/** Revisions and characters of history kept for watches that fell behind. */
const KEEP: Keep = { revisions: 50_000, characters: 64_000_000 };

export interface EmbeddedOptions {
  /** Made when missing, readable by its owner only. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** History kept for watches; default 50,000 revisions and 64 million characters. */
  readonly keep?: Partial<Keep>;
}

/** A Store and what share.ts needs to serve it to other processes. */
export interface EmbeddedStore extends Store {
  readonly served: Served;
}

export interface Served {
  /** Opens a holding that ends `ttlMs` after its last `keep`. @returns its id */
  hold(ttlMs: number, signal: AbortSignal): Promise<string>;
  /** @returns false when the holding has ended */
  keep(id: string): boolean;
  end(id: string, signal: AbortSignal): Promise<void>;
  /** As `commit`; the same operation asked for again gets the first answer. @throws HoldingLost */
  commitOnce(asked: Asked, operation: Operation, signal: AbortSignal): Promise<Outcome>;
}

/**
 * The ledger in this process, on disk in `directory`. Holdings of a former process end their TTL after
 * the opening.
 *
 * @throws LedgerInUse, LedgerUnusable
 */
export async function openEmbeddedStore(options: EmbeddedOptions): Promise<EmbeddedStore> {
  const files = await openFiles(options.directory, { ...KEEP, ...options.keep });
  const store = new Embedded(files, options.clock);
  options.log.info('embedded ledger opened', {
    directory: options.directory,
    keys: files.state.tree.size,
    revision: files.state.revision,
  });
  return store;
}

class Embedded implements EmbeddedStore {
  readonly served: Served;
  readonly #files: Files;
  readonly #writer: Writer;
  readonly #leases: Leases;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;
  /** Wakes the watches that wait for the next revision. */
  #next = new Wake();

  constructor(files: Files, clock: Clock) {
    this.#files = files;
    this.#writer = new Writer(files, () => {
      const { wake } = this.#next;
      this.#next = new Wake();
      wake();
    });
    this.#leases = new Leases({ clock, end: (id, signal) => this.#end(id, signal) });
    for (const [id, { ttlMs }] of files.state.holdings) this.#leases.start(id, ttlMs);
    this.served = {
      hold: async (ttlMs, signal) => {
        const id = await this.#open(ttlMs, signal);
        this.#leases.start(id, holdSeconds(ttlMs) * 1000);
        return id;
      },
      keep: (id) => this.#leases.keep(id),
      end: (id, signal) => this.#end(id, signal),
      commitOnce: (asked, operation, signal) => {
        const bytes = checkChange(asked);
        return this.#writer.submit((stage) => stage.commitOnce(asked, operation), signal, bytes);
      },
    };
  }

  async get(key: string, signal: AbortSignal) {
    this.#check(signal);
    checkKey(key);
    return Promise.resolve(this.#files.state.get(key));
  }

  async range(query: Parameters<Store['range']>[0], signal: AbortSignal) {
    this.#check(signal);
    const limit = checkQuery(query);
    return Promise.resolve(this.#files.state.range({ ...query, limit }));
  }

  async commit(change: Parameters<Store['commit']>[0], signal: AbortSignal): Promise<Outcome> {
    const bytes = checkChange(change);
    return this.#writer.submit((stage) => stage.commit(change), signal, bytes);
  }

  async *watch(prefix: string, after: Revision, signal: AbortSignal): AsyncGenerator<Batch> {
    const either = eitherSignal(signal, this.#closing.signal);
    let cursor = after;
    try {
      for (;;) {
        either.signal.throwIfAborted();
        const { state } = this.#files;
        const { upTo, batch } = state.history.next(prefix, cursor);
        const waits = upTo >= state.revision || upTo === cursor;
        const next = this.#next.promise;
        cursor = Math.max(cursor, upTo);
        if (batch) yield batch;
        else if (waits) await unlessAborted(next, either.signal);
      }
    } finally {
      either.drop();
    }
  }

  async hold(ttlMs: number, signal: AbortSignal): Promise<Holding> {
    const id = await this.#open(ttlMs, signal);
    const lost = this.#leases.own(id);
    return { id, lost, release: (until) => this.#end(id, until) };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort(new LedgerClosed());
    this.#leases.close();
    await this.#writer.close();
    await this.#files.close();
  }

  async #open(ttlMs: number, signal: AbortSignal): Promise<string> {
    const ms = holdSeconds(ttlMs) * 1000;
    const id = randomUUID();
    await this.#writer.submit((stage) => {
      stage.openHolding(id, ms);
    }, signal);
    return id;
  }

  async #end(id: string, signal: AbortSignal): Promise<void> {
    this.#leases.forget(id);
    await this.#writer.submit((stage) => stage.endHolding(id), signal);
  }

  #check(signal: AbortSignal): void {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
  }
}

/** A promise and what resolves it. */
class Wake {
  wake: () => void = () => undefined;
  readonly promise = new Promise<void>((resolve) => {
    this.wake = resolve;
  });
}
