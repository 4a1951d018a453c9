import { BadJson } from './errors.ts';
import { scanJson } from './json-scan.ts';

export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export interface JsonLimits {
  /** Deepest nesting of arrays and objects; a bare scalar has depth 0. Default 64. */
  readonly maxDepth?: number;
  /** Most values, containers included; default: as many as the body holds. */
  readonly maxNodes?: number;
}

const DEEPEST = 64;

/** First bytes that give another encoding away; the longer ones first. */
const MARKS: readonly (readonly [string, readonly number[]])[] = [
  ['a UTF-8 byte order mark', [0xef, 0xbb, 0xbf]],
  ['UTF-32', [0x00, 0x00, 0xfe, 0xff]],
  ['UTF-32', [0xff, 0xfe, 0x00, 0x00]],
  ['UTF-16', [0xfe, 0xff]],
  ['UTF-16', [0xff, 0xfe]],
  ['UTF-32', [0x00, 0x00, 0x00]],
];

/**
 * The one parse of a hostile body: what JSON.parse makes of it, but only when every reader would make
 * the same of it. Keys given twice, unpaired surrogates and numbers beyond a double are refused,
 * because Marathon's reader and ours need not agree on them. Linear in time; nothing recursive
 * runs before the depth is known to be within bounds. A key `__proto__` is a key like any other.
 *
 * @throws BadJson
 */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits = {}): JsonValue {
  const text = decode(bytes);
  const { maxDepth = DEEPEST, maxNodes = Infinity } = limits;
  scanJson(text, { maxDepth, maxNodes });
  return JSON.parse(text) as JsonValue;
}

function decode(bytes: Uint8Array): string {
  if (bytes.length === 0) throw new BadJson('empty', 0, 'it is empty');
  const mark = MARKS.find(([, start]) => start.every((byte, at) => bytes[at] === byte));
  if (mark) throw new BadJson('encoding', 0, `it starts as ${mark[0]} does; plain UTF-8 is needed`);
  if (bytes[0] === 0 || bytes[1] === 0)
    throw new BadJson('encoding', 0, 'it looks like UTF-16; plain UTF-8 is needed');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new BadJson('encoding', validUpTo(bytes), 'it is no valid UTF-8 from here on');
  }
}

/** Bytes of the longest prefix that decodes: halving, as a decoder does not say where it stopped. */
function validUpTo(bytes: Uint8Array): number {
  const decodes = (end: number): boolean => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (decodes(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
