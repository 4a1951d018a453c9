import { LedgerMisuse } from '../errors.ts';

/**
 * What goes over the socket: one JSON object per line, requests one way, answers the other. An answer
 * has its request's `id`. A watch answers with a batch for every credit it was given.
 */
export type Request = { readonly id: number } & (
  | { readonly do: 'hello'; readonly version: number; readonly session?: string }
  | { readonly do: 'ping' }
  | { readonly do: 'get'; readonly key: string }
  | {
      readonly do: 'range';
      readonly prefix: string;
      readonly after?: string;
      readonly limit?: number;
      readonly at?: number;
    }
  | {
      readonly do: 'commit';
      readonly guards: readonly { readonly key: string; readonly revision: number }[];
      readonly writes: readonly WriteFrame[];
      readonly session: string;
      readonly slot: number;
      readonly sequence: number;
    }
  | { readonly do: 'watch'; readonly prefix: string; readonly after: number }
  | { readonly do: 'more' | 'unwatch'; readonly watch: number }
  | { readonly do: 'hold'; readonly ttlMs: number }
  | { readonly do: 'keep' | 'release'; readonly holding: string }
);

export type WriteFrame =
  | { readonly put: string; readonly value: string; readonly holding?: string }
  | { readonly drop: string };

export interface FaultFrame {
  readonly code: string;
  readonly with: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly ok: unknown }
  | { readonly id: number; readonly fault: FaultFrame }
  | { readonly id: number; readonly batch: unknown };

export const PROTOCOL = 1;
/** Longest line either side takes, bytes: a commit or a page, with every character escaped. */
export const MAX_FRAME_BYTES = 32 << 20;

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const number: Check = (value) => typeof value === 'number';
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

/** An object with these fields and no others. */
const object =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).every((name) => Object.hasOwn(fields, name)) &&
    Object.entries(fields).every(([name, check]) =>
      check((value as Record<string, unknown>)[name]),
    );

const guard = object({ key: text, revision: count });
const put = object({ put: text, value: text, holding: maybe(text) });
const drop = object({ drop: text });
const write: Check = (value) => put(value) || drop(value);

const request = (fields: Readonly<Record<string, Check>>) =>
  object({ id: count, do: text, ...fields });

const SHAPES: { readonly [K in Request['do']]: Check } = {
  hello: request({ version: count, session: maybe(text) }),
  ping: request({}),
  get: request({ key: text }),
  range: request({ prefix: text, after: maybe(text), limit: maybe(number), at: maybe(number) }),
  commit: request({
    guards: list(guard),
    writes: list(write),
    session: text,
    slot: count,
    sequence: count,
  }),
  watch: request({ prefix: text, after: count }),
  more: request({ watch: count }),
  unwatch: request({ watch: count }),
  hold: request({ ttlMs: number }),
  keep: request({ holding: text }),
  release: request({ holding: text }),
};

/** @throws LedgerMisuse when the line is not a request */
export function parseRequest(line: string): Request {
  const frame = parseJson(line);
  const name = typeof frame === 'object' && frame !== null && 'do' in frame ? frame.do : undefined;
  const known = typeof name === 'string' && Object.hasOwn(SHAPES, name);
  if (!known || !SHAPES[name as Request['do']](frame))
    throw new LedgerMisuse('something that is not a request');
  return frame as Request;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (fault) {
    throw new LedgerMisuse('something that is not JSON', { cause: fault });
  }
}

/** Cuts what comes in into lines. `push` throws LedgerMisuse when a line is too long. */
export class Lines {
  #parts: Buffer[] = [];
  #bytes = 0;

  push(data: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, from)) {
      this.#add(data.subarray(from, end));
      lines.push(Buffer.concat(this.#parts).toString('utf8'));
      this.#parts = [];
      this.#bytes = 0;
      from = end + 1;
    }
    this.#add(data.subarray(from));
    return lines;
  }

  #add(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > MAX_FRAME_BYTES)
      throw new LedgerMisuse(`a line of more than ${MAX_FRAME_BYTES} bytes`);
    if (part.length > 0) this.#parts.push(part);
  }
}
