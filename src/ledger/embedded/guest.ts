import type { Socket } from 'node:net';
import type { Log } from '../../plumbing/log.ts';
import { unlessAborted } from '../abort.ts';
import { HoldingLost, LedgerMisuse } from '../errors.ts';
import { toFrame } from './faults.ts';
import { Lines, PROTOCOL, parseRequest } from './frames.ts';
import type { Answer, Request, WriteFrame } from './frames.ts';
import type { Asked } from './stage.ts';
import type { EmbeddedStore } from './store.ts';

/** A client's own holding, under which its commits leave their marks. */
const SESSION_TTL_MS = 60_000;
/** Answers waiting in a connection before its requests are left unread, bytes. */
const MOST_UNSENT_BYTES = 4 << 20;
const MOST_AT_ONCE = 2_048;
const MOST_WATCHES = 256;

/** A watch that a client has open: how many batches it may still be sent, and what ends it. */
interface Open {
  credits: number;
  wake: () => void;
  readonly ending: AbortController;
}

type Kind = Request['do'];
type Asking<K extends Kind> = Extract<Request, { do: K }>;
type Hands = {
  readonly [K in Kind]: (request: Asking<K>, signal: AbortSignal) => unknown;
};

/** One connection to the shared store. Whoever may open the socket is trusted with the whole ledger. */
export class Guest {
  readonly #store: EmbeddedStore;
  readonly #socket: Socket;
  readonly #log: Log;
  readonly #lines = new Lines();
  readonly #watches = new Map<number, Open>();
  readonly #gone = new AbortController();
  readonly #hands: Hands;
  #atWork = 0;

  constructor(store: EmbeddedStore, socket: Socket, log: Log) {
    this.#store = store;
    this.#socket = socket;
    this.#log = log;
    this.#hands = this.#makeHands();
    socket
      .on('data', (data) => this.#read(data))
      .on('drain', () => this.#flow())
      .on('error', () => socket.destroy())
      .on('close', () => this.#left());
  }

  #makeHands(): Hands {
    const { served } = this.#store;
    return {
      hello: (request, signal) => this.#hello(request, signal),
      ping: () => null,
      get: async ({ key }, signal) => (await this.#store.get(key, signal)) ?? null,
      range: (request, signal) => this.#store.range(request, signal),
      commit: (request, signal) => this.#commit(request, signal),
      watch: (request) => this.#watch(request),
      more: ({ watch }) => this.#credit(watch),
      unwatch: ({ watch }) => this.#unwatch(watch),
      hold: ({ ttlMs }, signal) => served.hold(ttlMs, signal),
      keep: ({ holding }) => served.keep(holding),
      release: ({ holding }, signal) => served.end(holding, signal).then(() => null),
    };
  }

  #read(data: Buffer): void {
    try {
      for (const line of this.#lines.push(data)) this.#take(parseRequest(line));
    } catch (fault) {
      // There is no telling what the other side means, so nothing more of it is read.
      this.#log.warn('ledger connection dropped', { fault: (fault as Error).message });
      this.#socket.end(`${JSON.stringify({ id: 0, fault: toFrame(fault) })}\n`);
      this.#socket.destroySoon();
      this.#left();
    }
  }

  #take(request: Request): void {
    if (this.#gone.signal.aborted) return;
    this.#atWork += 1;
    this.#answer(request)
      .then(
        (ok) => {
          if (ok !== undefined) this.#send({ id: request.id, ok });
        },
        (fault: unknown) => this.#send({ id: request.id, fault: toFrame(fault) }),
      )
      .finally(() => {
        this.#atWork -= 1;
        this.#flow();
      });
    this.#flow();
  }

  /** `undefined` asks for no answer: those of watches are sent as they come. */
  async #answer<K extends Kind>(request: Asking<K>): Promise<unknown> {
    const hand = this.#hands[request.do];
    return await hand(request, this.#gone.signal);
  }

  /** A client that comes back goes on in its session, if that still lives. */
  async #hello(
    { version, session }: Extract<Request, { do: 'hello' }>,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (version !== PROTOCOL)
      throw new LedgerMisuse(`version ${version} of its protocol, and speaks ${PROTOCOL}`);
    const { served } = this.#store;
    const same = session !== undefined && served.keep(session);
    return {
      session: same ? session : await served.hold(SESSION_TTL_MS, signal),
      ttlMs: SESSION_TTL_MS,
    };
  }

  async #commit(
    { guards, writes, ...operation }: Extract<Request, { do: 'commit' }>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const asked = { guards, writes: writes.map(writeOf) };
    try {
      return await this.#store.served.commitOnce(asked, operation, signal);
    } catch (fault) {
      // Which of the two has ended makes a difference to the client.
      if (fault instanceof HoldingLost && fault.id === operation.session) return 'session ended';
      throw fault;
    }
  }

  async #watch({ id, prefix, after }: Extract<Request, { do: 'watch' }>): Promise<void> {
    if (this.#watches.size >= MOST_WATCHES)
      throw new LedgerMisuse(`more than ${MOST_WATCHES} watches on one connection`);
    const open: Open = { credits: 0, wake: () => undefined, ending: new AbortController() };
    this.#watches.set(id, open);
    try {
      for await (const batch of this.#store.watch(prefix, after, open.ending.signal)) {
        this.#send({ id, batch });
        await this.#credits(open);
      }
    } catch (fault) {
      if (!open.ending.signal.aborted) throw fault;
    } finally {
      this.#watches.delete(id);
    }
  }

  /** Resolves when the client has taken what it was sent, and asks for more. */
  async #credits(open: Open): Promise<void> {
    while (open.credits === 0) {
      const credit = new Promise<void>((resolve) => (open.wake = resolve));
      await unlessAborted(credit, open.ending.signal);
    }
    open.credits -= 1;
  }

  #credit(watch: number): void {
    const open = this.#watches.get(watch);
    if (open === undefined) return;
    open.credits += 1;
    open.wake();
  }

  #unwatch(watch: number): void {
    this.#watches.get(watch)?.ending.abort();
  }

  #send(answer: Answer): void {
    if (!this.#gone.signal.aborted) this.#socket.write(`${JSON.stringify(answer)}\n`);
    this.#flow();
  }

  /** Watches wait for ever, so they do not count as work. */
  #flow(): void {
    const busy = this.#atWork - this.#watches.size >= MOST_AT_ONCE;
    if (busy || this.#socket.writableLength > MOST_UNSENT_BYTES) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #left(): void {
    this.#gone.abort(new Error('the client left'));
    for (const { ending } of this.#watches.values()) ending.abort();
  }
}

function writeOf(write: WriteFrame): Asked['writes'][number] {
  if (!('put' in write)) return { drop: write.drop };
  const { put, value, holding } = write;
  return holding === undefined ? { put, value } : { put, value, holding: { id: holding } };
}
