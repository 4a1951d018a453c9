/** What stands where a record's length should is no length, or too much. */
export class BadFraming extends Error {
  override readonly name = 'BadFraming';
}

/** Hears records as they come: parts in order, then the end. */
export interface RecordSink {
  part(bytes: Buffer): void;
  end(): void;
}

/** 8 GiB: a snapshot of some millions of tasks. Nothing is held for it, whatever is announced. */
const MOST_BYTES = 2 ** 33;
const LONGEST_LENGTH = String(MOST_BYTES).length;
const ZERO = 0x30;
const LINE_FEED = 0x0a;

/**
 * Takes RecordIO apart: a length in decimal, a line feed, so many bytes, again and again. Lengths count
 * bytes, and pieces end anywhere.
 *
 * @see docs/recordio.md of Mesos
 */
export class RecordReader {
  readonly #sink: RecordSink;
  #digits = 0;
  #length = 0;
  /** Bytes of the record at hand that are still to come; undefined between records. */
  #left: number | undefined;

  constructor(sink: RecordSink) {
    this.#sink = sink;
  }

  /** A record has begun and not ended: a stream that ends here is cut off. */
  get midway(): boolean {
    return this.#left !== undefined || this.#digits > 0;
  }

  /** @throws BadFraming; what the sink throws */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length)
      at = this.#left === undefined ? this.#head(chunk, at) : this.#body(chunk, at);
  }

  #head(chunk: Buffer, at: number): number {
    const byte = chunk[at] ?? 0;
    if (byte === LINE_FEED && this.#digits > 0) this.#begin();
    else if (byte >= ZERO && byte < ZERO + 10 && this.#digits < LONGEST_LENGTH) {
      this.#length = this.#length * 10 + (byte - ZERO);
      this.#digits += 1;
    } else throw new BadFraming('a record does not begin with its length');
    return at + 1;
  }

  #begin(): void {
    if (this.#length > MOST_BYTES)
      throw new BadFraming(`a record of ${this.#length} bytes is announced`);
    this.#left = this.#length;
    this.#digits = 0;
    this.#length = 0;
    if (this.#left === 0) this.#finish();
  }

  #body(chunk: Buffer, at: number): number {
    const left = this.#left ?? 0;
    const to = Math.min(chunk.length, at + left);
    this.#sink.part(chunk.subarray(at, to));
    this.#left = left - (to - at);
    if (this.#left === 0) this.#finish();
    return to;
  }

  #finish(): void {
    this.#left = undefined;
    this.#sink.end();
  }
}
