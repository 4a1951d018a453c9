/**
 * `Location` and kin, judged as text: `new URL` would fold `..`, `%2e` and `//` and so change what
 * Marathon said.
 */
export interface Bases {
  /** Origins that are Marathon's own: endpoints, and the leader that the answer names. */
  readonly origins: readonly string[];
  /** Path under which Marathon is mounted there: '' or '/some/path'. */
  readonly prefix: string;
  /** What clients know us as, without a trailing slash; absent: answer with a path only. */
  readonly publicBase?: string;
}

const ABSOLUTE = /^(?:(https?):)?\/\/([^/?#]*)([^]*)$/i;
const DEFAULT_PORT: Readonly<Record<string, string>> = { http: ':80', https: ':443' };

/**
 * Turns a URL of Marathon into one that leads back to the gate. Everything else is untouched:
 * app ids (`/shop//x`), relative paths, URLs of others.
 */
export function rewriteLocation(value: string, bases: Bases): string {
  const [, scheme, authority, rest] = ABSOLUTE.exec(value) ?? [];
  if (authority === undefined || rest === undefined) return withoutPrefix(value, bases);
  // `//a/b` in a Location is an app id far more often than a URL without a scheme.
  if (scheme === undefined) return value;
  const origin = originOf(scheme, authority);
  if (!bases.origins.some((own) => sameOrigin(own, origin))) return value;
  return onGate(rest, bases);
}

/** `scheme://host:port`, lower-case, default port dropped, user and password dropped. */
function originOf(scheme: string, authority: string): string {
  const kind = scheme.toLowerCase();
  const host = authority.slice(authority.lastIndexOf('@') + 1).toLowerCase();
  const port = DEFAULT_PORT[kind] ?? '';
  return `${kind}://${host.endsWith(port) ? host.slice(0, -port.length) : host}`;
}

/** Marathon behind a TLS front names itself http: the scheme is no reason to leak the host. */
const sameOrigin = (own: string, other: string): boolean =>
  own === other || own.replace(/^https?:/, '') === other.replace(/^https?:/, '');

function onGate(rest: string, { prefix, publicBase }: Bases): string {
  const below = belowPrefix(rest, prefix) ?? rest;
  if (publicBase !== undefined) return `${publicBase}${below}`;
  if (below === '' || below.startsWith('?') || below.startsWith('#')) return `/${below}`;
  // a path of its own that starts with `//` would read as a host: RFC 3986 section 4.2
  return below.startsWith('//') ? `/.${below}` : below;
}

function withoutPrefix(value: string, { prefix, publicBase }: Bases): string {
  const below = prefix === '' ? undefined : belowPrefix(value, prefix);
  return below === undefined
    ? value
    : onGate(below, { origins: [], prefix: '', ...base(publicBase) });
}

const base = (publicBase: string | undefined): { publicBase?: string } =>
  publicBase === undefined ? {} : { publicBase };

function belowPrefix(path: string, prefix: string): string | undefined {
  if (!path.startsWith(prefix)) return undefined;
  const below = path.slice(prefix.length);
  return below === '' || /^[/?#]/.test(below) ? below : undefined;
}

/** The origin of an absolute http URL in a header, or undefined. */
export function originIn(value: string | undefined): string | undefined {
  const [, scheme, authority] = ABSOLUTE.exec(value ?? '') ?? [];
  return scheme === undefined || authority === undefined ? undefined : originOf(scheme, authority);
}

/**
 * Where a standby's redirect of an event stream leads.
 *
 * @param location  its Location header
 * @param asked     URL that gave the answer
 * @param search    the client's own query, `?…` or '', used when the redirect carries none
 * @returns         undefined when it does not lead to an event stream over HTTP
 */
export function eventsTarget(location: string, asked: URL, search: string): URL | undefined {
  if (!URL.canParse(location, asked.href)) return undefined;
  const to = new URL(location, asked);
  if (to.protocol !== 'http:' && to.protocol !== 'https:') return undefined;
  if (!to.pathname.endsWith('/v2/events')) return undefined;
  if (to.search === '') to.search = search;
  return to;
}
