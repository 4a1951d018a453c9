import { BadMethod, BadTarget } from '../errors.ts';
import type { Route } from './route.ts';
import { isReading, sameRoute } from './route-match.ts';
import { rowFor } from './route-table.ts';
import { decodeSegments, parseTarget, type Target } from './target.ts';

const CHANGES = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

const READS_TWO_WAYS = 'it means one thing as sent and another when decoded';

/** Both readings of the path must agree; otherwise Marathon might do what was not judged. */
function routeOf(method: string, target: Target, rawTarget: string): Route {
  const sent = rowFor({
    method,
    segments: target.raw,
    query: target.query,
    decode: decodeSegments,
  });
  const decoded = rowFor({
    method,
    segments: target.folded,
    query: target.query,
    decode: (segments) => segments.join('/'),
  });
  if (!sameRoute(sent, decoded)) throw new BadTarget(rawTarget, READS_TWO_WAYS);
  return sent;
}

/** For a method that Marathon has no handler for: fine, unless the path is one that is judged. */
function unknownMethod(method: string, target: Target, rawTarget: string): Route {
  const judged = CHANGES.some((known) => routeOf(known, target, rawTarget).kind !== 'pass');
  if (judged) throw new BadMethod(method);
  return { kind: 'pass' };
}

/**
 * What a request asks of Marathon. `rawTarget` is the request target exactly as received.
 * A route other than `pass` must be sent upstream with its `canonicalTarget`, never the raw one.
 *
 * @throws BadTarget for a change whose target is malformed or ambiguous; BadId for one that names a
 *         judged route with an impossible id; BadMethod
 * @see    Marathon's api/v2/*Resource.scala
 */
export function recognise(method: string, rawTarget: string): Route {
  if (isReading(method)) return { kind: 'pass' };
  const target = parseTarget(rawTarget);
  const known = CHANGES.some((change) => change === method);
  return known ? routeOf(method, target, rawTarget) : unknownMethod(method, target, rawTarget);
}
