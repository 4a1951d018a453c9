import type { Duplex } from 'node:stream';
import type { Etcd3, IEvent, IWatchRequest, IWatchResponse, IDuplexStream } from 'etcd3';
import { castGrpcError, castGrpcErrorMessage } from 'etcd3';
import type { Clock } from '../../plumbing/clock.ts';
import { unlessAborted } from '../abort.ts';
import { Compacted } from '../errors.ts';
import type { Batch, KeyChange, Revision } from '../store.ts';
import { bytesOf, endOf, entryOf } from './keys.ts';

/** Batches kept for a slow reader before etcd is told to wait. */
const MOST_WAITING = 16;
/** Pulses without a sign of life after which a stream is given up. */
const MOST_MISSED = 2;

/**
 * One watch on one stream of its own, so that a watch that is refused or hangs holds up no other. It resumes
 * by the revisions of the events *seen*: the revision in an answer's header is the store's, which is far
 * ahead while a watch catches up.
 */
export class WatchStream {
  /** Every change up to here was handed out or cannot exist. */
  last: Revision;
  readonly #after: Revision;
  readonly #stream: IDuplexStream<IWatchRequest, IWatchResponse>;
  readonly #batches: Batch[] = [];
  #partial: IEvent[] = [];
  #fault: Error | undefined;
  #wake: () => void = () => undefined;
  #created: (fault?: Error) => void = () => undefined;
  #seen: Revision = 0;
  #owed: Revision = 0;
  #missed = 0;

  /** @throws Compacted; castGrpcError's errors */
  static async open(
    { client, clock }: { client: Etcd3; clock: Clock },
    from: { readonly prefix: string; readonly after: Revision; readonly withinMs: number },
    signal: AbortSignal,
  ): Promise<WatchStream> {
    const opening = client.watchClient.watch();
    const stream = await unlessAborted(opening, signal).catch((fault: unknown) => {
      opening.then((late) => late.cancel()).catch(() => undefined);
      throw fault;
    });
    const watch = new WatchStream(stream, from.after);
    const over = new AbortController();
    clock.sleep(from.withinMs, over.signal).then(
      () => {
        watch.#fail(new Error(`no watch within ${from.withinMs} ms`));
        stream.cancel();
      },
      () => undefined,
    );
    try {
      await unlessAborted(watch.#create(from.prefix), signal);
      return watch;
    } catch (fault) {
      watch.close();
      throw fault;
    } finally {
      over.abort();
    }
  }

  private constructor(stream: IDuplexStream<IWatchRequest, IWatchResponse>, after: Revision) {
    this.#stream = stream;
    this.#after = after;
    this.last = after;
    stream
      .on('data', (response) => this.#take(response))
      .on('error', (fault) => this.#fail(castGrpcError(fault)))
      .on('end', () => this.#fail(new Error('the watch stream ended')));
  }

  /** The next batch. @throws what ended the stream */
  async next(signal: AbortSignal): Promise<Batch> {
    for (;;) {
      signal.throwIfAborted();
      const batch = this.#batches.shift();
      if (batch) {
        if (this.#batches.length === 0) this.#flow.resume();
        this.last = batch.revision;
        return batch;
      }
      if (this.#fault) throw this.#fault;
      await unlessAborted(new Promise<void>((resolve) => (this.#wake = resolve)), signal);
    }
  }

  /** The cluster was at `revision` just now; the member we listen to must show that it got there too. */
  beat(revision: Revision): void {
    if (this.#fault || this.#flow.isPaused()) return;
    if (this.#seen < this.#owed) this.#missed += 1;
    else {
      this.#missed = 0;
      this.#owed = revision;
    }
    if (this.#missed <= MOST_MISSED) {
      this.#stream.write({ progress_request: {} });
      return;
    }
    this.#fail(new Error('the member is silent or behind'));
    // While writable: so the client drops its connection to the member.
    this.#stream.cancel();
  }

  close(): void {
    this.#fail(new Error('closed'));
    this.#stream.end();
    this.#stream.cancel();
  }

  get #flow(): Duplex {
    return this.#stream as unknown as Duplex;
  }

  #create(prefix: string): Promise<void> {
    const created = new Promise<void>((resolve, reject) => {
      this.#created = (fault) => {
        if (fault) reject(fault);
        else resolve();
      };
    });
    this.#stream.write({
      create_request: {
        key: prefix === '' ? Buffer.from([0]) : bytesOf(prefix),
        range_end: endOf(prefix),
        start_revision: this.#after + 1,
        progress_notify: true,
        // Without it, a revision of many keys may be larger than any one answer may be.
        fragment: true,
      },
    });
    return created;
  }

  #take(response: IWatchResponse): void {
    this.#seen = Math.max(this.#seen, Number(response.header.revision));
    if (response.canceled) this.#cancelled(response);
    else if (response.created) this.#created();
    else if (response.events.length > 0) this.#gather(response);
    // Answers to our own pulses carry -1, and may overtake events (etcd issue 15220); these may not.
    else if (response.watch_id !== '-1' && this.#batches.length + this.#partial.length === 0)
      this.last = Math.max(this.last, Number(response.header.revision));
  }

  #cancelled({ compact_revision, cancel_reason }: IWatchResponse): void {
    const gone = Number(compact_revision) > 0;
    this.#fail(
      gone ? new Compacted(this.last) : castGrpcErrorMessage(`watch refused: ${cancel_reason}`),
    );
  }

  /** Holds back what may be half of a revision. */
  #gather({ events, fragment }: IWatchResponse): void {
    for (const event of events) this.#partial.push(event);
    const newest = this.#partial.at(-1)?.kv.mod_revision;
    const whole = fragment
      ? this.#partial.filter(({ kv }) => kv.mod_revision !== newest)
      : this.#partial;
    this.#partial = fragment ? this.#partial.filter(({ kv }) => kv.mod_revision === newest) : [];
    const changes = whole.map(changeOf);
    const revision = changes.at(-1)?.revision;
    if (revision !== undefined) this.#batches.push({ revision, changes });
    if (this.#batches.length >= MOST_WAITING) this.#flow.pause();
    this.#wake();
  }

  #fail(fault: Error): void {
    this.#fault ??= fault;
    this.#created(this.#fault);
    this.#wake();
  }
}

function changeOf({ type, kv }: IEvent): KeyChange {
  const entry = entryOf(kv);
  return type.toLowerCase() === 'put'
    ? { key: entry.key, revision: entry.revision, entry }
    : { key: entry.key, revision: entry.revision };
}
