export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;

/** 1 for bytes that mean something outside strings. */
const MARKS = new Uint8Array(256);
for (const byte of [QUOTE, COMMA, COLON, OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY])
  MARKS[byte] = 1;

/** The next byte that means something outside strings, or the end. */
export function markFrom(chunk: Buffer, start: number): number {
  const { length } = chunk;
  let at = start;
  while (at < length && MARKS[chunk[at] ?? 0] === 0) at += 1;
  return at;
}

/**
 * A text directly in an object, without reading the rest: `{"state":"TASK_RUNNING",…}`. Undefined when it
 * is not there, is no text, or has an escape in it.
 */
export function textAt(object: Buffer, key: string): string | undefined {
  const wanted = Buffer.from(`"${key}"`);
  let depth = 0;
  for (let at = markFrom(object, 0); at < object.length; at = markFrom(object, at)) {
    const byte = object[at] ?? 0;
    if (byte === QUOTE) {
      const end = stringEnd(object, at + 1);
      if (depth === 1 && isKey(object, end) && object.subarray(at, end).equals(wanted))
        return valueAfter(object, end);
      at = end;
      continue;
    }
    depth += STEPS.get(byte) ?? 0;
    at += 1;
  }
  return undefined;
}

/** How many objects and arrays more are open behind a mark. */
const STEPS: ReadonlyMap<number, number> = new Map([
  [OPEN_OBJECT, 1],
  [OPEN_ARRAY, 1],
  [CLOSE_OBJECT, -1],
  [CLOSE_ARRAY, -1],
]);

/** Behind the quote that ends a string. */
function stringEnd(text: Buffer, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function spaceEnd(text: Buffer, start: number): number {
  let at = start;
  while (isSpace(text[at])) at += 1;
  return at;
}

const isKey = (text: Buffer, end: number): boolean => text[spaceEnd(text, end)] === COLON;

function valueAfter(text: Buffer, end: number): string | undefined {
  const at = spaceEnd(text, spaceEnd(text, end) + 1);
  if (text[at] !== QUOTE) return undefined;
  const value = text.toString('utf8', at + 1, stringEnd(text, at + 1) - 1);
  return value.includes('\\') ? undefined : value;
}

export const isSpace = (byte: number | undefined): boolean => byte !== undefined && byte <= 0x20;
