import type { Middleware } from 'koa';
import { NotJson, WrongOrigin } from './errors.ts';
import { hostName } from './host.ts';

const CHANGES = new Set(['PUT', 'DELETE', 'PATCH']);

/**
 * Changes are not made for a page of somebody else, whatever a browser lets it send: none that says it is
 * from another origin, and no body that an HTML form could have written. Runs behind `knownHosts`.
 *
 * @see Fetch standard, "Origin header", "Sec-Fetch-Site"; OWASP, cross-site request forgery
 */
export function ownOrigin(): Middleware {
  return async function checkOrigin(ctx, next) {
    if (CHANGES.has(ctx.method)) {
      checkPage(ctx.get('Origin'), ctx.get('Sec-Fetch-Site'), ctx.get('Host'));
      checkType(ctx.method, ctx.get('Content-Type'));
    }
    await next();
  };
}

const OWN_SITE = new Set(['', 'same-origin', 'none']);

function checkPage(origin: string, site: string, host: string): void {
  if (origin !== '' && !isSame(origin, host)) throw new WrongOrigin(origin);
  if (!OWN_SITE.has(site)) throw new WrongOrigin(`a ${site} page`);
}

/** A DELETE may come without a body: no form can send one at all. */
function checkType(method: string, header: string): void {
  const type = header.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json' || (type === '' && method === 'DELETE')) return;
  throw new NotJson(header);
}

/** Name and port: another port of this host is another's. A proxy before the console may speak TLS. */
function isSame(origin: string, host: string): boolean {
  const [, named] = /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase()) ?? [];
  if (named === undefined || hostName(named) === '') return false;
  return withPort(named, origin) === withPort(host.toLowerCase(), origin);
}

const withPort = (host: string, origin: string): string =>
  /:\d+$/.test(host) ? host : `${host}:${origin.startsWith('https') ? 443 : 80}`;
