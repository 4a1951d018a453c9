import type { ServerResponse } from 'node:http';
import { nextTick } from 'node:process';
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

/** Every byte as it comes: what is read from Marathon is written at once. */
export class Streamed implements Delivery {
  started = false;
  private wrote = false;
  private left = Number.NaN;

  constructor(private readonly res: ServerResponse) {}

  start(status: number, reason: string, headers: FlatHeaders): void {
    this.res.writeHead(status, reason, headers as string[]);
    this.started = true;
    nextTick(flush, this);
  }

  /** Bytes of the body to come, when the answer says so. */
  expect(contentLength: string | undefined): void {
    if (contentLength !== undefined) this.left = Number(contentLength);
  }

  data(chunk: Buffer): boolean {
    this.wrote = true;
    this.left -= chunk.length;
    if (this.left !== 0) return this.res.write(chunk);
    // the last chunk and the end in one call: one system call less for every small answer
    if (chunk.length > MOST_JOINED) this.res.end(chunk);
    else this.res.end(chunk.toString('latin1'), 'latin1');
    return true;
  }

  end(): undefined {
    this.wrote = true;
    this.res.end();
  }

  /** An event stream's head must not wait for its first event. */
  flush(): void {
    if (!this.wrote && !this.res.destroyed) this.res.flushHeaders();
  }
}

const flush = (delivery: Streamed): void => delivery.flush();

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
