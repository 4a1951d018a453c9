import { BadJson, type JsonFault } from './errors.ts';
import { SeenKeys } from './json-keys.ts';

export interface ScanLimits {
  readonly maxDepth: number;
  readonly maxNodes: number;
}

interface Frame {
  readonly keys: SeenKeys;
  /** Key or index of the member being read; for messages. */
  at: string | number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LONGEST_PATH = 200;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPE = /["\\/bfnrt]|u[\dA-Fa-f]{4}/y;
const LOW_HALF = /\\u[dD][c-fC-F][\dA-Fa-f]{2}/y;

/**
 * Reads the grammar of RFC 8259 without building anything, so that JSON.parse never sees a text that it
 * could choke on. Depth is a counter, not the stack.
 *
 * @throws BadJson
 */
export function scanJson(text: string, limits: ScanLimits): void {
  new Scanner(text, limits).whole();
}

class Scanner {
  readonly #text: string;
  readonly #limits: ScanLimits;
  /** Frames of all depths reached so far; the first `#depth` are open. */
  readonly #frames: Frame[] = [];
  /** What closes each open container. */
  readonly #closers: string[] = [];
  #depth = 0;
  #nodes = 0;
  #at = 0;

  constructor(text: string, limits: ScanLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  whole(): void {
    this.#space();
    if (this.#at === this.#text.length) this.#fail('empty', 'it holds white space only');
    this.#value();
    while (this.#depth > 0) this.#member();
    this.#space();
    if (this.#at < this.#text.length) this.#fail('trailing', 'something follows the value');
  }

  /** Reads a scalar whole, and of a container the opening. */
  #value(): void {
    this.#nodes += 1;
    if (this.#nodes > this.#limits.maxNodes)
      this.#fail('too-many', `it holds more than ${this.#limits.maxNodes} values`);
    const char = this.#text[this.#at];
    if (char === '{' || char === '[') this.#open(char);
    else if (char === '"') this.#string();
    else if (char === 't' || char === 'f' || char === 'n') this.#word();
    else this.#number();
  }

  #open(char: '{' | '['): void {
    if (this.#depth >= this.#limits.maxDepth)
      this.#fail('too-deep', `it is nested deeper than ${this.#limits.maxDepth}`);
    const frame = this.#frames[this.#depth] ?? { keys: new SeenKeys(), at: '' };
    this.#frames[this.#depth] = frame;
    this.#depth += 1;
    this.#closers.push(char === '{' ? '}' : ']');
    frame.keys.clear();
    frame.at = char === '{' ? '' : -1;
    this.#at += 1;
    this.#space();
    if (this.#text[this.#at] === this.#closers.at(-1)) this.#close();
    else this.#start(frame);
  }

  #close(): void {
    this.#closers.pop();
    this.#depth -= 1;
    this.#at += 1;
  }

  /** After a member: the next one, or the end of the container. */
  #member(): void {
    this.#space();
    const char = this.#text[this.#at];
    if (char === this.#closers.at(-1)) {
      this.#close();
      return;
    }
    if (char !== ',') this.#fail('syntax', `"," or "${this.#closers.at(-1) ?? ''}" is missing`);
    this.#at += 1;
    this.#space();
    const frame = this.#frames[this.#depth - 1];
    if (frame) this.#start(frame);
  }

  #start(frame: Frame): void {
    if (typeof frame.at === 'number') frame.at += 1;
    else this.#key(frame);
    this.#value();
  }

  #key(frame: Frame): void {
    if (this.#text[this.#at] !== '"') this.#fail('syntax', 'a key in quotes is missing');
    const from = this.#at;
    const key = this.#string();
    if (!frame.keys.add(key)) {
      this.#at = from;
      const where = this.#path(this.#depth - 1);
      this.#fail('duplicate-key', `the key ${quoted(key)} occurs twice in ${where}`);
    }
    frame.at = key;
    this.#space();
    if (this.#text[this.#at] !== ':') this.#fail('syntax', '":" is missing after a key');
    this.#at += 1;
    this.#space();
  }

  #path(depth: number): string {
    const parts = this.#frames.slice(0, depth).map(({ at }) => `/${at}`);
    return depth === 0 ? 'the body' : quoted(parts.join(''));
  }

  /** @returns what the string says */
  #string(): string {
    const from = this.#at;
    let escaped = false;
    for (this.#at += 1; ; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        escaped = true;
        this.#escape();
      } else if (!(code >= 0x20)) this.#badCharacter(code); // NaN at the end of the text
    }
    this.#at += 1;
    const raw = this.#text.slice(from, this.#at);
    return escaped ? (JSON.parse(raw) as string) : raw.slice(1, -1);
  }

  #badCharacter(code: number): never {
    if (Number.isNaN(code)) this.#fail('syntax', 'a string does not end');
    this.#fail('syntax', 'a string holds a control character');
  }

  /** From the backslash to the last character of the escape; of a surrogate pair, of both. */
  #escape(): void {
    const from = this.#at;
    this.#at += 1;
    const length = this.#match(ESCAPE);
    if (length === 0) this.#fail('syntax', 'a string holds an unknown escape');
    const unit =
      length === 1 ? 0 : Number.parseInt(this.#text.slice(this.#at + 1, this.#at + 5), 16);
    this.#at += length - 1;
    if (unit < 0xd800 || unit > 0xdfff) return;
    this.#at += 1;
    const paired = unit < 0xdc00 && this.#match(LOW_HALF) > 0;
    if (!paired) {
      this.#at = from;
      this.#fail('surrogate', 'a string holds half of a surrogate pair');
    }
    this.#at += 5;
  }

  #number(): void {
    const length = this.#match(NUMBER);
    if (length === 0) this.#fail('syntax', 'a value is missing');
    const digits = this.#text.slice(this.#at, this.#at + length);
    if (!Number.isFinite(Number(digits))) this.#fail('number', 'a number is too large');
    this.#at += length;
  }

  #word(): void {
    const length = this.#match(WORD);
    if (length === 0) this.#fail('syntax', 'a value is missing');
    this.#at += length;
  }

  #space(): void {
    if (this.#text.charCodeAt(this.#at) <= 0x20) this.#at += this.#match(SPACE);
  }

  /** Length of what `pattern` matches here; 0 when it does not. */
  #match(pattern: RegExp): number {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text) ? pattern.lastIndex - this.#at : 0;
  }

  #fail(fault: JsonFault, why: string): never {
    throw new BadJson(fault, Buffer.byteLength(this.#text.slice(0, this.#at)), why);
  }
}

const quoted = (text: string): string =>
  `"${text.length > LONGEST_PATH ? `${text.slice(0, LONGEST_PATH)}…` : text}"`;
