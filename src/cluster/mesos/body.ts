import type { Readable } from 'node:stream';
import { BadMesosAnswer, MesosRefused } from '../errors.ts';
import { createSlicer, type SlicedArray, Unsliceable } from './slices.ts';
import type { Opened } from './transport.ts';

const LONGEST_QUOTE = 300;

const tooLarge = (what: string): BadMesosAnswer =>
  new BadMesosAnswer(what, 'it is larger than allowed');

/**
 * The whole body as text.
 *
 * @throws BadMesosAnswer when it is longer than `mostBytes`; whatever the stream ends with
 */
export async function textOf(what: string, opened: Opened, mostBytes: number): Promise<string> {
  const { body, patience } = opened;
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > mostBytes) throw tooLarge(what);
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  } finally {
    patience.end();
    body.destroy();
  }
}

/** For answers that are passed on: what they say does not matter. */
export function discard({
  body,
  patience,
}: { readonly body: Readable } & Pick<Opened, 'patience'>): void {
  patience.end();
  body.on('error', () => undefined);
  body.destroy();
}

/** @throws MesosRefused unless the status is a good one; BadMesosAnswer */
export function answerIn(what: string, status: number, text: string): unknown {
  if (status < 200 || status >= 300)
    throw new MesosRefused(what, status, text.slice(0, LONGEST_QUOTE));
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new BadMesosAnswer(what, 'it is not JSON');
  }
}

/**
 * Hands out the elements of `arrays` as they come; the wait is for more, not for all.
 *
 * @param mostBytes  of one element, and of the rest
 * @returns          the rest, with those arrays empty
 * @throws           BadMesosAnswer; whatever the stream ends with
 */
export async function slicesOf(
  what: string,
  { body, patience }: Opened,
  arrays: readonly SlicedArray[],
  mostBytes: number,
): Promise<unknown> {
  const slicer = createSlicer(arrays, mostBytes);
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      patience.renew();
      slicer.push(part);
    }
    return slicer.end();
  } catch (fault: unknown) {
    if (fault instanceof Unsliceable) throw new BadMesosAnswer(what, fault.message);
    throw fault;
  } finally {
    patience.end();
    body.destroy();
  }
}
