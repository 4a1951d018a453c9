import { BadId } from '../errors.ts';

/** Longer ids would pass Marathon but not the systems behind it. */
const MOST_CHARACTERS = 1024;
const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const RESERVED_LAST = new Set(['restart', 'tasks', 'versions']);

const segmentsOf = (raw: string): readonly string[] => raw.split('/').filter((part) => part !== '');

/** Drops `.`, lets `..` pop; popping the root leaves the root. */
function fold(segments: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return kept;
}

const isSegment = (text: string): boolean => text.split('.').every((label) => LABEL.test(label));

/**
 * The one spelling of an app, pod or group id: absolute, no empty segments, `.` and `..` resolved.
 * `x`, `/x/`, `//x` and `a/../x` are all `/x`; the root group is `/`.
 *
 * @param base  canonical id that a relative `raw` is resolved against
 * @throws      BadId when a segment has characters that Marathon does not allow
 * @see         Marathon's state/PathId.scala
 */
export function canonicalId(raw: string, base = '/'): string {
  if (raw.length > MOST_CHARACTERS) {
    throw new BadId(raw, `it has ${raw.length} characters, over the limit of ${MOST_CHARACTERS}`);
  }
  const own = segmentsOf(raw);
  const segments = fold(raw.startsWith('/') ? own : [...segmentsOf(base), ...own]);
  const bad = segments.find((segment) => !isSegment(segment));
  if (bad !== undefined) throw new BadId(raw, `the segment ${JSON.stringify(bad)} is not allowed`);
  return `/${segments.join('/')}`;
}

/** As `canonicalId`, for an app or pod: not the root, and the last segment is no word of the API. */
export function canonicalSpecId(raw: string, base = '/'): string {
  const id = canonicalId(raw, base);
  if (id === '/') throw new BadId(raw, 'it names no app');
  const last = id.slice(id.lastIndexOf('/') + 1);
  if (RESERVED_LAST.has(last)) throw new BadId(raw, `it ends in the reserved word "${last}"`);
  return id;
}

/**
 * An id found in a body. A lone `.` segment, which a URL may have, and an empty id are refused.
 *
 * @throws BadId
 */
export function bodyId(raw: string, base = '/'): string {
  if (raw === '') throw new BadId(raw, 'it is empty');
  if (segmentsOf(raw).includes('.')) throw new BadId(raw, 'a "." segment is not allowed in a body');
  return canonicalId(raw, base);
}

/** As `bodyId`, for an app or pod. */
export function bodySpecId(raw: string, base = '/'): string {
  return canonicalSpecId(bodyId(raw, base));
}

/** Whether `id` is already canonical and may name an app or pod. */
export function isValidId(id: string): boolean {
  try {
    return canonicalSpecId(id) === id;
  } catch {
    return false;
  }
}

/** The group that holds `id`, both canonical. The root's group is the root. */
export const groupOf = (id: string): string => id.slice(0, id.lastIndexOf('/')) || '/';

/** Whether `id` is `group` or lies anywhere below it, both canonical. */
export const isWithin = (id: string, group: string): boolean =>
  group === '/' || id === group || id.startsWith(`${group}/`);
