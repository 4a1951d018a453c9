/**
 * What the ledger asks of a backend. Two stand behind it (ledger/etcd, ledger/embedded), each held to
 * test/contract/store.ts; everything above is written once.
 *
 * Every call takes a signal and throws its reason when it is aborted first. A call that cannot reach
 * the backend within its deadline throws LedgerUnreachable; nothing else means "unreachable".
 */
export interface Store extends Read {
  /**
   * All writes or none, in one revision, when every guard still holds.
   *
   * A commit whose answer was lost is found again by its own mark: the outcome is never a false
   * conflict and never silence. At most MAX_OPERATIONS guards and as many writes; the mark is one of
   * each, so 127 are the caller's. A key is written at most once.
   *
   * @throws TooManyOperations, ValueTooLarge, LedgerUnreachable, HoldingLost, LedgerMisuse
   */
  commit(change: Change, signal: AbortSignal): Promise<Outcome>;

  /**
   * Every change under `prefix` after revision `after`, in revision order, each exactly once; one batch
   * holds all changes of one or more whole revisions, never half of one. Survives lost connections and
   * server restarts by itself. Ends with the signal's reason.
   *
   * @throws Compacted when history after `after` is gone: read the range again (see follow.ts)
   */
  watch(prefix: string, after: Revision, signal: AbortSignal): AsyncIterable<Batch>;

  /**
   * Opens a holding: keys written with it vanish `ttlMs` after this process was last heard of.
   * `ttlMs` is rounded up to whole seconds, at least 1.
   */
  hold(ttlMs: number, signal: AbortSignal): Promise<Holding>;

  /** Gives up all holdings' keep-alives, watches and files. Idempotent. */
  close(): Promise<void>;
}

export interface Read {
  get(key: string, signal: AbortSignal): Promise<Entry | undefined>;

  /** One page of the keys under `prefix`, in byte order. */
  range(query: RangeQuery, signal: AbortSignal): Promise<Page>;
}

/** Grows by one with every commit of the whole store; never reused. 0 means "never written". */
export type Revision = number;

export interface Entry {
  readonly key: string;
  readonly value: string;
  /** Revision of the last write. */
  readonly revision: Revision;
  /** Revision of the write that made the key; a key dropped and made again has a new one. */
  readonly created: Revision;
}

export interface RangeQuery {
  readonly prefix: string;
  /** Only keys after this one, in byte order. */
  readonly after?: string;
  /** Most entries in the page; 1..10,000, default 1,000. */
  readonly limit?: number;
  /** Reads as of this revision, so that pages of one listing agree. @throws Compacted */
  readonly at?: Revision;
}

export interface Page {
  readonly entries: readonly Entry[];
  /** The store's revision that this page shows. */
  readonly revision: Revision;
  readonly more: boolean;
}

/** Holds while the key's last write has this revision; 0: while the key does not exist. */
export interface Guard {
  readonly key: string;
  readonly revision: Revision;
}

export type Write =
  | { readonly put: string; readonly value: string; readonly holding?: Holding }
  | { readonly drop: string };

export interface Change {
  readonly guards: readonly Guard[];
  readonly writes: readonly Write[];
}

/** `won` false: some guard no longer held and nothing was written. */
export interface Outcome {
  readonly won: boolean;
  /** Of the commit when won, else of the store when it was refused. */
  readonly revision: Revision;
  /**
   * What a refusal found at the guards' keys, in their order, where a backend tells: whoever lost a race
   * goes on without reading. Told when there are few guards.
   */
  readonly found?: readonly (Entry | undefined)[];
}

export interface Batch {
  /** Revision of the last change in the batch. */
  readonly revision: Revision;
  readonly changes: readonly KeyChange[];
}

/** `entry` is absent when the key was dropped (or its holding ended). */
export interface KeyChange {
  readonly key: string;
  readonly revision: Revision;
  readonly entry?: Entry;
}

/** Proof of life for lease-bound keys. */
export interface Holding {
  readonly id: string;
  /**
   * Aborted by our own clock before the backend can have let the keys go (ttl less a margin after the
   * last answered keep-alive), and when the backend says they are gone.
   */
  readonly lost: AbortSignal;
  /** Drops every key of the holding at once. Idempotent. */
  release(signal: AbortSignal): Promise<void>;
}

/** Most entries in a page. */
export const MAX_PAGE = 10_000;

/** etcd's default --max-txn-ops; both backends refuse more. */
export const MAX_OPERATIONS = 128;

/** Longest value, bytes: etcd's default request limit is 1.5 MiB for a whole transaction. */
export const MAX_VALUE_BYTES = 1_000_000;

/** Most bytes of all keys and values of one commit, with 64 bytes of framing for each. */
export const MAX_COMMIT_BYTES = 1_400_000;
