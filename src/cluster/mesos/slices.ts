import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  isSpace,
  markFrom,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from './json-bytes.ts';

/** An array somewhere in a JSON text whose elements are wanted one by one. */
export interface SlicedArray {
  /** Keys from the top, as they are spelled in the text. */
  readonly path: readonly string[];
  /** One element, bytes of JSON; only good until it returns. Absent: they are skipped. */
  readonly visit?: (element: Buffer) => void;
}

/** The text is no JSON, or what had to be kept of it at once is more than allowed. */
export class Unsliceable extends Error {
  override readonly name = 'Unsliceable';
}

/**
 * Reads a JSON text that comes in pieces, of any size, and holds one element at a time: the named arrays
 * are handed out element by element, the rest is kept and read at the end. Ten thousand agents are thirty
 * megabytes, two hundred thousand tasks are more than a string can hold.
 */
export interface Slicer {
  /** @throws Unsliceable */
  push(chunk: Buffer): void;
  /** The text without the elements of the named arrays. @throws Unsliceable */
  end(): unknown;
}

/** @param mostBytes  of one element, and of the rest */
export const createSlicer = (arrays: readonly SlicedArray[], mostBytes: number): Slicer =>
  new Scanner(branchesOf(arrays), mostBytes);

/** The named arrays as a tree of their keys. */
interface Branch {
  readonly under: Map<string, Branch>;
  array?: SlicedArray;
}

function branchesOf(arrays: readonly SlicedArray[]): Branch {
  const root: Branch = { under: new Map() };
  for (const array of arrays) {
    let at = root;
    for (const key of array.path) {
      const next = at.under.get(key) ?? { under: new Map<string, Branch>() };
      at.under.set(key, next);
      at = next;
    }
    at.array = array;
  }
  return root;
}

/** 1 for bytes that mean something within strings. */
const STOPS = new Uint8Array(256);
STOPS[QUOTE] = 1;
STOPS[BACKSLASH] = 1;

/** Keys longer than this are none of ours. */
const LONGEST_KEY = 64;

class Scanner implements Slicer {
  readonly #root: Branch;
  readonly #most: number;
  readonly #rest: Buffer[] = [];
  #restBytes = 0;
  /** Branch of each open object or array; undefined off the named paths. */
  readonly #open: (Branch | undefined)[] = [];
  /** The array whose elements are being cut out, and how many brackets are open inside of it. */
  #array: SlicedArray | undefined;
  #inside = 0;
  /** Earlier chunks of the element at hand. */
  #element: Buffer[] = [];
  #elementBytes = 0;
  #inString = false;
  #escaped = false;
  /** The last string of an object on a path, and where it began in this chunk. */
  #text = '';
  #textFrom = -1;
  #key = '';

  constructor(root: Branch, mostBytes: number) {
    this.#root = root;
    this.#most = mostBytes;
  }

  push(chunk: Buffer): void {
    let from = 0;
    let at = 0;
    if (this.#inString) this.#textFrom = 0;
    while (at < chunk.length) {
      if (this.#inString) {
        at = this.#string(chunk, at);
        continue;
      }
      at = markFrom(chunk, at);
      if (at === chunk.length) break;
      from = this.#array ? this.#markInside(chunk, at, from) : this.#markOutside(chunk, at, from);
      at += 1;
    }
    this.#keepTail(chunk, from);
  }

  end(): unknown {
    if (this.#inString || this.#array || this.#open.length > 0)
      throw new Unsliceable('it ends in the middle');
    try {
      return JSON.parse(Buffer.concat(this.#rest).toString('utf8')) as unknown;
    } catch {
      throw new Unsliceable('it is not JSON');
    }
  }

  /** From inside a string to behind its end, or to the end of the chunk. */
  #string(chunk: Buffer, start: number): number {
    const { length } = chunk;
    let at = this.#escaped ? start + 1 : start;
    this.#escaped = false;
    for (; at < length; at += 1) {
      if (STOPS[chunk[at] ?? 0] === 0) continue;
      if (chunk[at] === QUOTE) {
        this.#inString = false;
        this.#textTo(chunk, at);
        return at + 1;
      }
      at += 1;
    }
    this.#escaped = at > length;
    this.#textTo(chunk, length);
    return length;
  }

  /** Strings are looked at only where they may be a key on a path. */
  #textTo(chunk: Buffer, end: number): void {
    if (this.#array || this.#open.at(-1) === undefined || this.#text.length > LONGEST_KEY) return;
    const to = Math.min(end, this.#textFrom + LONGEST_KEY + 1);
    this.#text += chunk.toString('latin1', this.#textFrom, to);
  }

  #markOutside(chunk: Buffer, at: number, from: number): number {
    const byte = chunk[at];
    if (byte === QUOTE) {
      this.#inString = true;
      this.#text = '';
      this.#textFrom = at + 1;
    } else if (byte === COLON) this.#key = this.#text;
    else if (byte === OPEN_OBJECT) this.#open.push(this.#branch());
    else if (byte === OPEN_ARRAY) return this.#openArray(chunk, at, from);
    else if (byte !== COMMA && this.#open.length > 0) this.#open.length -= 1;
    return from;
  }

  #branch(): Branch | undefined {
    const parent = this.#open.at(-1);
    return this.#open.length === 0 ? this.#root : parent?.under.get(this.#key);
  }

  #openArray(chunk: Buffer, at: number, from: number): number {
    const array = this.#open.length === 0 ? undefined : this.#branch()?.array;
    // of other arrays nothing is on a path
    this.#open.push(undefined);
    if (!array) return from;
    this.#keep(chunk.subarray(from, at + 1));
    this.#array = array;
    this.#inside = 0;
    return at + 1;
  }

  #markInside(chunk: Buffer, at: number, from: number): number {
    const byte = chunk[at];
    if (byte === QUOTE) this.#inString = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#inside += 1;
    else if (byte === CLOSE_OBJECT) this.#inside -= 1;
    else if (byte === CLOSE_ARRAY && this.#inside > 0) this.#inside -= 1;
    else if (byte === CLOSE_ARRAY) {
      this.#cut(chunk.subarray(from, at));
      this.#array = undefined;
      this.#open.length -= 1;
      return at;
    } else if (byte === COMMA && this.#inside === 0) {
      this.#cut(chunk.subarray(from, at));
      return at + 1;
    }
    return from;
  }

  /** One element is whole. */
  #cut(last: Buffer): void {
    const visit = this.#array?.visit;
    if (!visit) return;
    const element = this.#element.length === 0 ? last : Buffer.concat([...this.#element, last]);
    this.#element = [];
    this.#elementBytes = 0;
    this.#bound(element.length);
    if (!isBlank(element)) visit(element);
  }

  #keepTail(chunk: Buffer, from: number): void {
    if (from >= chunk.length) return;
    const tail = chunk.subarray(from);
    if (!this.#array) this.#keep(tail);
    else if (this.#array.visit) {
      this.#elementBytes += tail.length;
      this.#bound(this.#elementBytes);
      this.#element.push(tail);
    }
  }

  #keep(part: Buffer): void {
    this.#restBytes += part.length;
    this.#bound(this.#restBytes);
    this.#rest.push(part);
  }

  #bound(bytes: number): void {
    if (bytes > this.#most) throw new Unsliceable(`a part is longer than ${this.#most} bytes`);
  }
}

/** Only an empty array has such an element. */
const isBlank = (element: Buffer): boolean => element.every(isSpace);
