import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Clock } from '../../plumbing/clock.ts';
import { Lines } from './frames.ts';
import type { Answer, Request } from './frames.ts';

/** The connection went before the answer came; whether the request was carried out is not known. */
export class Dropped extends Error {}

/** A request without its number. */
export type Body = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

/** Told every answer to one request, and when there will be none. */
type Listener = (answer: Answer | Dropped) => void;

const PING_EVERY_MS = 2_000;
/** Pings without a word from the other side after which it is taken to hang. */
const MOST_MISSED = 3;

/** More than this waiting means that the other side does not read. */
const MOST_LAST_BYTES = 65_536;

/** One connection to a shared store, until it is lost. */
export class Wire {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #lines = new Lines();
  readonly #listeners = new Map<number, Listener>();
  readonly #over = new AbortController();
  #numbers = 0;
  #missed = 0;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on('data', (data) => this.#read(data)).on('error', () => this.#socket.destroy());
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.#drop();
        resolve();
      });
    });
  }

  /** The one answer. @throws Dropped */
  request(body: Body): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stop = this.listen(body, (answer) => {
        stop();
        if (answer instanceof Dropped) reject(answer);
        else resolve(answer);
      }).stop;
    });
  }

  /** For requests that have many answers. */
  listen(body: Body, listener: Listener): { readonly id: number; readonly stop: () => void } {
    this.#numbers += 1;
    const id = this.#numbers;
    if (this.#over.signal.aborted) queueMicrotask(() => listener(new Dropped('connection lost')));
    else {
      this.#listeners.set(id, listener);
      this.#write({ id, ...body });
    }
    return { id, stop: () => this.#listeners.delete(id) };
  }

  /** For requests that have no answer. */
  tell(body: Body): void {
    if (!this.#over.signal.aborted) this.#write({ id: 0, ...body });
  }

  /** Gives the connection up when the other side falls silent; resolves when it is lost. */
  async watchOver(clock: Clock): Promise<void> {
    const { signal } = this.#over;
    while (this.#missed < MOST_MISSED && !signal.aborted) {
      this.#missed += 1;
      this.request({ do: 'ping' }).catch(() => undefined);
      await clock.sleep(PING_EVERY_MS, signal).catch(() => undefined);
    }
    this.destroy();
    await this.closed;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Sends what was written, takes no more answers, and does not wait for the other side. */
  end(): void {
    this.#socket.end(() => this.#socket.destroy());
    if (this.#socket.connecting || this.#socket.writableLength > MOST_LAST_BYTES) this.destroy();
    this.#drop();
  }

  #write(request: object): void {
    this.#socket.write(`${JSON.stringify(request)}\n`);
  }

  #read(data: Buffer): void {
    this.#missed = 0;
    try {
      for (const line of this.#lines.push(data)) {
        const answer = JSON.parse(line) as Answer;
        this.#listeners.get(answer.id)?.(answer);
      }
    } catch {
      // Not our protocol; the reconnect will tell.
      this.destroy();
    }
  }

  #drop(): void {
    this.#over.abort();
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener(new Dropped('connection lost'));
  }
}
