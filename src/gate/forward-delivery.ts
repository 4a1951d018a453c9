import type { ServerResponse } from 'node:http';
import type { Turn, Writes } from './forward-turn.ts';
import { type FlatHeaders, valueOf } from './headers.ts';

/** How an answer gets to the client. */
export interface Delivery {
  /** Whether the head was handed over: from here on a fault can only break the transfer. */
  readonly started: boolean;
  start(status: number, reason: string, headers: FlatHeaders): void;
  /** False: hold the upstream until the client has read. */
  data(chunk: Buffer): boolean;
  end(): Promise<void> | undefined;
}

/**
 * A body up to this size, bytes, is ended as text: Node joins text with the head into one piece and one
 * write, and takes the cheap way for up to 16 KiB; bytes would be a vector of two. Latin-1 is every byte.
 */
const MOST_JOINED = 12 * 1024;

/**
 * Every byte as it comes. What fits one packet (a head, a small answer) is written at the end of the turn it
 * came in; a head never waits for its body longer than that, or an event stream would look dead.
 */
export class Streamed implements Delivery, Writes {
  started = false;
  private wrote = false;
  private ended = false;
  private queued = false;
  private rest = '';
  private left = Number.NaN;

  constructor(
    private readonly res: ServerResponse,
    private readonly turn: Turn,
  ) {}

  start(status: number, reason: string, headers: FlatHeaders): void {
    this.res.writeHead(status, reason, headers as string[]);
    this.started = true;
    this.left = Number(valueOf(headers, 'content-length') ?? Number.NaN);
    this.queue();
  }

  data(chunk: Buffer): boolean {
    this.left -= chunk.length;
    if (this.left === 0 && chunk.length <= MOST_JOINED) {
      this.rest = chunk.toString('latin1');
      return true;
    }
    this.wrote = true;
    if (this.left !== 0) return this.res.write(chunk);
    this.res.end(chunk); // in one call: one system call less
    return true;
  }

  end(): undefined {
    this.ended = true;
    this.queue();
  }

  private queue(): void {
    if (this.queued) return;
    this.queued = true;
    this.turn.add(this);
  }

  write(): void {
    this.queued = false;
    const { res } = this;
    if (res.destroyed) return;
    if (this.ended) res.end(this.rest, 'latin1');
    else if (!this.wrote) res.flushHeaders();
  }
}

/** Marathon's answer to a judged request, as far as it came. */
export interface Answer {
  readonly status: number;
  /** As the client gets them: name, value, name, value. */
  readonly headers: FlatHeaders;
  /** The beginning of the body, as it came. */
  readonly body: Buffer;
  readonly complete: boolean;
}

/**
 * Keeps a bounded copy of the answer, and its last bytes back until `settle` is done.
 * Goes on when the client has left, so that the outcome is known all the same.
 */
export class Judged implements Delivery {
  started = false;
  private held: Buffer | undefined;
  private head = { status: 0, headers: [] as FlatHeaders };
  private readonly copied: Buffer[] = [];
  private settled: Promise<void> | undefined;

  /**
   * @param room    most bytes of the body to copy
   * @param settle  called once with the answer; must not reject
   */
  constructor(
    private readonly res: ServerResponse,
    private room: number,
    private readonly settle: (answer: Answer) => Promise<void>,
  ) {}

  start(status: number, reason: string, headers: FlatHeaders): void {
    // not flushed: an answer without a body is all head, and that is its last byte
    if (!this.res.destroyed) this.res.writeHead(status, reason, headers as string[]);
    this.head = { status, headers };
    this.started = true;
  }

  data(chunk: Buffer): boolean {
    if (this.room > 0) this.copied.push(chunk.subarray(0, this.room));
    this.room = Math.max(0, this.room - chunk.length);
    const earlier = this.held;
    this.held = chunk;
    return earlier === undefined || this.res.destroyed || this.res.write(earlier);
  }

  answer(complete: boolean): Answer {
    return { ...this.head, body: Buffer.concat(this.copied), complete };
  }

  /** The same promise however often asked. */
  settling(complete: boolean): Promise<void> {
    this.settled ??= this.settle(this.answer(complete));
    return this.settled;
  }

  async end(): Promise<void> {
    await this.settling(true);
    if (!this.res.destroyed) this.res.end(this.held);
  }
}

/** Without a length and without chunks a closed connection would read as the end of the body. */
export function tear(res: ServerResponse, headers: FlatHeaders): void {
  const endsByClosing = !res.chunkedEncoding && valueOf(headers, 'content-length') === undefined;
  if (endsByClosing) res.socket?.resetAndDestroy();
  else res.destroy();
}
