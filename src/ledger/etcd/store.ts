import type { Etcd3, IRangeRequest, IRangeResponse } from 'etcd3';
import { EtcdPermissionDeniedError, GRPCOutOfRangeError } from 'etcd3';
import type { Clock } from '../../plumbing/clock.ts';
import type { Log } from '../../plumbing/log.ts';
import { eitherSignal } from '../abort.ts';
import { Compacted, LedgerClosed, LedgerMisuse, LedgerRefused } from '../errors.ts';
import { checkKey, checkQuery } from '../limits.ts';
import type {
  Batch,
  Change,
  Entry,
  Holding,
  Outcome,
  Page,
  RangeQuery,
  Revision,
  Store,
} from '../store.ts';
import { Calls } from './calls.ts';
import { TRY_WITHIN_MS, connectEtcd } from './client.ts';
import type { EtcdHosts } from './client.ts';
import { commit } from './commit.ts';
import { bytesOf, endOf, entryOf, successorOf } from './keys.ts';
import { openLease } from './leases.ts';
import type { Lease } from './leases.ts';
import { Marks } from './marks.ts';
import { Pulse } from './pulse.ts';
import { WatchStream } from './stream.ts';

export interface EtcdOptions extends EtcdHosts {
  readonly clock: Clock;
  readonly log: Log;
  /** Longest a call may take, all tries together; default 10,000 ms. */
  readonly callWithinMs?: number;
  /** How often watches are checked for life; default 2,000 ms. A dead one is replaced after four. */
  readonly pulseMs?: number;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** A watch refused this often in a row, although its keys may be read, is refused for good. */
const MOST_REFUSALS = 5;

/** The ledger on etcd 3.4 or later. Connects by itself, when first used. */
export const openEtcdStore = (options: EtcdOptions): Store => new EtcdStore(options);

class EtcdStore implements Store {
  readonly #client: Etcd3;
  readonly #calls: Calls;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #marks: Marks;
  readonly #pulse: Pulse;
  readonly #withinMs: number;
  readonly #holdings = new Set<Lease>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(options: EtcdOptions) {
    const { clock, log, callWithinMs = 10_000, pulseMs = 2_000 } = options;
    this.#client = connectEtcd(options, clock);
    this.#clock = clock;
    this.#log = log;
    this.#withinMs = callWithinMs;
    this.#calls = new Calls(clock, callWithinMs);
    this.#marks = new Marks(this.#leaseDeps);
    this.#pulse = new Pulse({ ...this.#leaseDeps, everyMs: pulseMs });
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    checkKey(key);
    const answer = await this.#read(`"${key}"`, { key: bytesOf(key) }, signal);
    return answer.kvs[0] && entryOf(answer.kvs[0]);
  }

  async range(query: RangeQuery, signal: AbortSignal): Promise<Page> {
    const limit = checkQuery(query);
    const { prefix, after = '', at } = query;
    const request: IRangeRequest = {
      key: after > '' ? startOf(prefix, after) : prefix === '' ? Buffer.from([0]) : bytesOf(prefix),
      range_end: endOf(prefix),
      limit,
      ...(at !== undefined && { revision: at }),
    };
    const answer = await this.#page(request, limit, signal).catch((fault: unknown) => {
      throw fault instanceof GRPCOutOfRangeError ? outOfRange(fault, at ?? 0) : fault;
    });
    const entries = answer.kvs.map(entryOf);
    return { entries, revision: at ?? Number(answer.header.revision), more: answer.more };
  }

  async commit(change: Change, signal: AbortSignal): Promise<Outcome> {
    this.#closing.signal.throwIfAborted();
    const deps = { ...this.#leaseDeps, marks: this.#marks, withinMs: this.#withinMs };
    return commit(deps, change, signal);
  }

  async *watch(prefix: string, after: Revision, signal: AbortSignal): AsyncGenerator<Batch> {
    const either = eitherSignal(signal, this.#closing.signal);
    const position = { last: after };
    let refusals = 0;
    let pauseMs = FIRST_PAUSE_MS;
    try {
      for (;;) {
        try {
          for await (const batch of this.#stream(prefix, position, either.signal)) {
            refusals = 0;
            pauseMs = FIRST_PAUSE_MS;
            yield batch;
          }
        } catch (fault) {
          either.signal.throwIfAborted();
          refusals += fault instanceof EtcdPermissionDeniedError ? 1 : 0;
          this.#mustEnd(fault, refusals, prefix);
        }
        await this.#clock.sleep(pauseMs, either.signal);
        pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      }
    } finally {
      either.drop();
    }
  }

  async hold(ttlMs: number, signal: AbortSignal): Promise<Holding> {
    const lease = await openLease(this.#leaseDeps, ttlMs, signal);
    this.#holdings.add(lease);
    lease.lost.addEventListener('abort', () => this.#holdings.delete(lease), { once: true });
    return lease;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort(new LedgerClosed());
    for (const lease of this.#holdings) lease.lose();
    await this.#marks.close();
    this.#client.close();
  }

  get #leaseDeps() {
    return { client: this.#client, calls: this.#calls, clock: this.#clock };
  }

  #read(what: string, request: IRangeRequest, signal: AbortSignal): Promise<IRangeResponse> {
    this.#closing.signal.throwIfAborted();
    const ask = (options: { deadline: number }) => this.#client.kv.range(request, options);
    return this.#calls.run(what, ask, signal);
  }

  /** Fewer entries when the page is more than a message may hold. */
  async #page(request: IRangeRequest, limit: number, signal: AbortSignal): Promise<IRangeResponse> {
    try {
      return await this.#read('a range', { ...request, limit }, signal);
    } catch (fault) {
      if (limit === 1 || !(fault instanceof LedgerRefused) || !/larger than max/.test(fault.reason))
        throw fault;
      return this.#page(request, Math.ceil(limit / 8), signal);
    }
  }

  async *#stream(
    prefix: string,
    position: { last: Revision },
    signal: AbortSignal,
  ): AsyncGenerator<Batch> {
    // A plain read first: it renews a token that etcd has forgotten, which a stream cannot.
    await this.range({ prefix, limit: 1 }, signal);
    const from = { prefix, after: position.last, withinMs: 2 * TRY_WITHIN_MS };
    const stream = await WatchStream.open(this.#leaseDeps, from, signal);
    const untell = this.#pulse.tell(stream);
    try {
      for (;;) yield await stream.next(signal);
    } finally {
      position.last = stream.last;
      untell();
      stream.close();
    }
  }

  #mustEnd(fault: unknown, refusals: number, prefix: string): void {
    if (fault instanceof Compacted || fault instanceof LedgerRefused) throw fault;
    const { message } = fault as Error;
    if (refusals >= MOST_REFUSALS)
      throw new LedgerRefused(`a watch of "${prefix}"`, message, { cause: fault });
    this.#log.warn('watch lost, resuming', { prefix, fault: message });
  }
}

function startOf(prefix: string, after: string): Buffer {
  const start = successorOf(after);
  const first = bytesOf(prefix);
  return start.compare(first) < 0 ? first : start;
}

const outOfRange = (fault: Error, at: Revision): Error =>
  fault.message.includes('compacted')
    ? new Compacted(at)
    : new LedgerMisuse(`revision ${at}, which lies in the future`);
