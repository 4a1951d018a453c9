import { BadTarget } from '../errors.ts';

/** Decoded names and values in the order sent; a name may occur more than once. */
export type Query = readonly (readonly [name: string, value: string])[];

function decode(text: string, raw: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new BadTarget(raw, 'the query has an invalid percent-encoding');
  }
}

/**
 * Reads a query string (without `?`) as Jersey does: a pair without `=` has an empty value, one
 * without a name is dropped, `+` is a blank.
 *
 * @throws BadTarget
 */
export function parseQuery(raw: string): Query {
  return raw.split('&').flatMap((pair) => {
    const equals = pair.indexOf('=');
    if (pair === '' || equals === 0) return [];
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? '' : pair.slice(equals + 1);
    return [[decode(name, raw), decode(value, raw)] as const];
  });
}

/** The first value under exactly this name. */
export const firstOf = (query: Query, name: string): string | undefined =>
  query.find(([known]) => known === name)?.[1];

// Java's trim: everything up to and including the blank.
const isBlank = (value: string): boolean => /^[\u0000-\u0020]*$/.test(value);

/**
 * A flag by Jersey's rule: the first value counts; missing or blank means `otherwise`; only `true`
 * in any case is true, so `1` and `yes` are false.
 */
export function booleanOf(query: Query, name: string, otherwise: boolean): boolean {
  const value = firstOf(query, name);
  if (value === undefined || isBlank(value)) return otherwise;
  return value.toLowerCase() === 'true';
}

const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/**
 * The query as it goes to Marathon: every flag that was judged appears once, as `true` or `false`
 * and only when it differs from its default; everything else keeps its order.
 *
 * @returns '' or a text that starts with `?`
 */
export function canonicalQuery(query: Query, flags: Readonly<Record<string, boolean>>): string {
  const rest = query.filter(([name]) => !Object.hasOwn(flags, name));
  const judged = Object.entries(flags).flatMap(([name, otherwise]) => {
    const value = booleanOf(query, name, otherwise);
    return value === otherwise ? [] : [[name, String(value)] as const];
  });
  const pairs = [...judged, ...rest].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
