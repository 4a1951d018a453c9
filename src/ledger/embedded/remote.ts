import type { Clock } from '../../plumbing/clock.ts';
import type { Log } from '../../plumbing/log.ts';
import { eitherSignal, within } from '../abort.ts';
import { HoldingLost, LedgerClosed, LedgerUnreachable } from '../errors.ts';
import { checkChange, checkKey, checkQuery, holdSeconds } from '../limits.ts';
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
import { Tenure } from '../tenure.ts';
import { fromFrame } from './faults.ts';
import type { WriteFrame } from './frames.ts';
import { Link } from './link.ts';
import { Slots } from './slots.ts';
import { watchOver } from './remote-watch.ts';
import { Dropped } from './wire.ts';
import type { Body, Wire } from './wire.ts';

export interface ConnectOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Longest a call may take, all tries together; default 10,000 ms. */
  readonly callWithinMs?: number;
}

/**
 * The store that another process of this machine serves with shareStore. Comes back by itself when that
 * process restarts.
 *
 * @throws LedgerUnreachable when nobody answers at first
 */
export async function connectStore(socketPath: string, options: ConnectOptions): Promise<Store> {
  const store = new RemoteStore(socketPath, options);
  try {
    await store.reach();
    return store;
  } catch (fault) {
    await store.close();
    throw fault;
  }
}

/** What the server says when it does not know our session. */
const ENDED = 'session ended';

class RemoteStore implements Store {
  readonly #clock: Clock;
  readonly #withinMs: number;
  readonly #link: Link;
  readonly #slots = new Slots();
  readonly #closing = new AbortController();
  readonly #tenures = new Set<Tenure>();
  #closed: Promise<void> | undefined;

  constructor(path: string, options: ConnectOptions) {
    this.#clock = options.clock;
    this.#withinMs = options.callWithinMs ?? 10_000;
    this.#link = new Link(path, options);
  }

  async reach(): Promise<void> {
    await this.#call('a greeting', { do: 'ping' }, this.#closing.signal);
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    checkKey(key);
    const found = await this.#call(`"${key}"`, { do: 'get', key }, signal);
    return (found as Entry | null) ?? undefined;
  }

  async range(query: RangeQuery, signal: AbortSignal): Promise<Page> {
    const limit = checkQuery(query);
    const { prefix, after, at } = query;
    const body = {
      prefix,
      limit,
      ...(after !== undefined && { after }),
      ...(at !== undefined && { at }),
    };
    return (await this.#call('a range', { do: 'range', ...body }, signal)) as Page;
  }

  async commit(change: Change, signal: AbortSignal): Promise<Outcome> {
    checkChange(change);
    for (const write of change.writes)
      if ('put' in write && write.holding?.lost.aborted) throw new HoldingLost(write.holding.id);
    return this.#slots.use(signal, (operation) => this.#commitIn(change, operation, signal));
  }

  async *watch(prefix: string, after: Revision, signal: AbortSignal): AsyncGenerator<Batch> {
    const either = eitherSignal(signal, this.#closing.signal);
    try {
      yield* watchOver({ link: this.#link, clock: this.#clock }, { prefix, after }, either.signal);
    } finally {
      either.drop();
    }
  }

  async hold(ttlMs: number, signal: AbortSignal): Promise<Holding> {
    const tenure = new Tenure(this.#clock, holdSeconds(ttlMs) * 1000);
    const what = 'a holding';
    const id = await this.#request(what, signal, (wire) => {
      tenure.begin();
      return ask(wire, what, { do: 'hold', ttlMs });
    }).catch((fault: unknown) => {
      tenure.lose();
      throw fault;
    });
    return this.#held(String(id), tenure);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #held(id: string, tenure: Tenure): Holding {
    this.#tenures.add(tenure);
    tenure.lost.addEventListener('abort', () => this.#tenures.delete(tenure), { once: true });
    tenure.keepBy(async (ms) => {
      const late = () => new LedgerUnreachable('a holding', ms);
      const keep = async (signal: AbortSignal) =>
        ask(await this.#link.wire(signal), 'a holding', { do: 'keep', holding: id });
      return (await within({ clock: this.#clock, ms, late }, keep, tenure.lost)) === true;
    });
    const release = async (signal: AbortSignal) => {
      tenure.lose(id);
      await this.#call('the end of a holding', { do: 'release', holding: id }, signal);
    };
    return { id, lost: tenure.lost, release };
  }

  async #close(): Promise<void> {
    this.#closing.abort(new LedgerClosed());
    for (const tenure of this.#tenures) tenure.lose();
    await this.#link.close();
  }

  /** Sent again as often as the connection is lost; the server carries an operation out once. */
  async #commitIn(
    { guards, writes }: Change,
    operation: { readonly slot: number; readonly sequence: number },
    signal: AbortSignal,
  ): Promise<Outcome> {
    const what = 'a commit';
    const frames = writes.map(frameOf);
    const sessions = new Set<string>();
    let tries = 0;
    const send = async (wire: Wire): Promise<unknown> => {
      const { session } = this.#link;
      sessions.add(session);
      if (sessions.size > 1) return ENDED;
      tries += 1;
      const body = { guards, writes: frames, session, ...operation };
      const outcome = await ask(wire, what, { do: 'commit', ...body });
      if (outcome !== ENDED) return outcome;
      this.#link.startOver();
      if (tries > 1) return ENDED;
      // It was refused unseen, so it may be sent in the next session.
      sessions.clear();
      throw new Dropped('session ended');
    };
    const outcome = await this.#request(what, signal, send);
    if (outcome !== ENDED) return outcome as Outcome;
    // After a minute without contact. Whether the commit had won went with its mark.
    throw new LedgerUnreachable(what, this.#withinMs);
  }

  #call(what: string, body: Body, signal: AbortSignal): Promise<unknown> {
    return this.#request(what, signal, (wire) => ask(wire, what, body));
  }

  /** Tries on every new connection, until the time for the whole call is up. */
  async #request(
    what: string,
    signal: AbortSignal,
    attempt: (wire: Wire) => Promise<unknown>,
  ): Promise<unknown> {
    this.#closing.signal.throwIfAborted();
    const either = eitherSignal(signal, this.#closing.signal);
    const late = () => new LedgerUnreachable(what, this.#withinMs);
    const limit = { clock: this.#clock, ms: this.#withinMs, late };
    try {
      return await within(limit, (until) => this.#persist(attempt, until), either.signal);
    } finally {
      either.drop();
    }
  }

  async #persist(attempt: (wire: Wire) => Promise<unknown>, signal: AbortSignal): Promise<unknown> {
    for (;;) {
      const wire = await this.#link.wire(signal);
      try {
        return await attempt(wire);
      } catch (fault) {
        // A server that is closing its ledger will soon close its connections too.
        if (!(fault instanceof Dropped || fault instanceof LedgerClosed)) throw fault;
        await wire.closed;
      }
    }
  }
}

/** @throws Dropped, and what the server refused it with */
async function ask(wire: Wire, what: string, body: Body): Promise<unknown> {
  const answer = await wire.request(body);
  if ('fault' in answer) throw fromFrame(answer.fault, what);
  return 'ok' in answer ? answer.ok : undefined;
}

function frameOf(write: Change['writes'][number]): WriteFrame {
  if (!('put' in write)) return { drop: write.drop };
  const { put, value, holding } = write;
  return holding ? { put, value, holding: holding.id } : { put, value };
}
