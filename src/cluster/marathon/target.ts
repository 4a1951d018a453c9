import { BadTarget } from '../errors.ts';
import { parseQuery, type Query } from './query.ts';

/** A request target taken apart, its path read in two ways. */
export interface Target {
  /** Path segments as sent, matrix parameters stripped, empty ones dropped: what Jersey matches. */
  readonly raw: readonly string[];
  /** Path segments after decoding the whole path and folding `.` and `..`. */
  readonly folded: readonly string[];
  readonly query: Query;
}

/** What a path may hold (RFC 3986), plus `|`, which some clients do not encode. */
const PATH = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/|]|%[0-9A-Fa-f]{2})*$/;
const ABSOLUTE_FORM = /^https?:\/\/[^/?#\\]*/i;

/** Text that has no business in a path, encoded or not. */
const CONTROL = /[\u0000-\u001f\u007f\\]/;

const nonEmpty = (path: string): readonly string[] => path.split('/').filter((part) => part !== '');

const withoutMatrix = (path: string): string => path.replace(/;[^/]*/g, '');

function decodePath(path: string, target: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new BadTarget(target, 'the path has an invalid percent-encoding');
  }
}

function folded(path: string): readonly string[] {
  const kept: string[] = [];
  for (const segment of nonEmpty(withoutMatrix(path))) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return kept;
}

/** The path and query of the target; an absolute-form target loses scheme and authority. */
function originForm(target: string): { path: string; query: string } {
  const local = target.replace(ABSOLUTE_FORM, '');
  const mark = local.indexOf('?');
  if (mark < 0) return { path: local, query: '' };
  return { path: local.slice(0, mark), query: local.slice(mark + 1) };
}

/**
 * Takes a raw request target apart.
 *
 * @throws BadTarget when it is no origin-form or absolute-form target, or holds what no path may
 */
export function parseTarget(target: string): Target {
  if (target.includes('#')) throw new BadTarget(target, 'it has a fragment');
  const { path, query } = originForm(target);
  if (path !== '' && !path.startsWith('/')) throw new BadTarget(target, 'the path is not absolute');
  if (!PATH.test(path)) throw new BadTarget(target, 'the path has characters that must be encoded');
  const decoded = decodePath(path, target);
  if (CONTROL.test(decoded)) throw new BadTarget(target, 'the path has a control character');
  const sent = withoutMatrix(path);
  // Jersey reads an id of one slash there, and not the collection.
  if (sent.endsWith('//')) throw new BadTarget(target, 'it ends in more than one slash');
  return { raw: nonEmpty(sent), folded: folded(decoded), query: parseQuery(query) };
}

/** One raw segment, or several joined by `/`, as an id is read from it. */
export const decodeSegments = (segments: readonly string[]): string =>
  decodeURIComponent(segments.join('/'));
