import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { HeaderNames } from './header-names.ts';

/** A flat list: name, value, name, value. Order and spelling are kept. */
export type FlatHeaders = readonly string[];

/** Meant for one connection only, so never passed on (RFC 9110 section 7.6.1), in either direction. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Headers that a `Connection` header must not be able to strip: framing and identity stay. */
const KEPT = new Set(['authorization', 'content-length', 'content-type', 'host', 'cookie']);

/** `host` is the upstream's own, `expect` was answered by this server, the rest is written anew. */
const WRITTEN_ANEW = [...hopByHop, 'host', 'expect', 'http2-settings'];
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'];
const REQUEST_DROPS = new HeaderNames([...WRITTEN_ANEW, ...FORWARDED]);
/** A judged body is sent as the judged bytes: plain, with a length of its own. */
const JUDGED_DROPS = new HeaderNames([
  ...WRITTEN_ANEW,
  ...FORWARDED,
  'content-encoding',
  'content-length',
]);
const ANSWER_DROPS = new HeaderNames(hopByHop);

/** HeaderNames listed in `Connection` headers, lower-case; undefined when there are none worth dropping. */
function namedInConnection(value: string | undefined): HeaderNames | undefined {
  if (value === undefined || value === 'keep-alive' || value === 'close') return undefined;
  const names = value
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && !KEPT.has(name));
  return names.length === 0 ? undefined : new HeaderNames(names);
}

export interface RequestRules {
  /** Whether X-Forwarded-* of the client are believed and extended, or replaced. */
  readonly trustForwarded: boolean;
  /** Whether the body is replaced by judged bytes. */
  readonly judged: boolean;
}

/** What Marathon is sent: the client's headers less those of this connection, plus where it came from. */
export function requestHeaders(req: IncomingMessage, rules: RequestRules): string[] {
  const drops = rules.judged ? JUDGED_DROPS : REQUEST_DROPS;
  const named = namedInConnection(req.headers.connection);
  const raw = req.rawHeaders;
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    if (drops.has(name) || named?.has(name) === true) continue;
    kept.push(name, raw[at + 1] as string);
  }
  addForwarded(kept, req, rules.trustForwarded);
  return kept;
}

/** The address of the client as people write it: an IPv4 one without its IPv6 wrapping. */
export function clientAddress(req: IncomingMessage): string {
  const address = req.socket.remoteAddress ?? 'unknown';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

function addForwarded(to: string[], req: IncomingMessage, trusted: boolean): void {
  const { headers } = req;
  const before = trusted ? headers['x-forwarded-for'] : undefined;
  const address = clientAddress(req);
  to.push('X-Forwarded-For', before === undefined ? address : `${String(before)}, ${address}`);
  const proto = (req.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http';
  to.push('X-Forwarded-Proto', (trusted && firstOf(headers['x-forwarded-proto'])) || proto);
  const host = (trusted && firstOf(headers['x-forwarded-host'])) || headers.host;
  if (host !== undefined) to.push('X-Forwarded-Host', host);
}

/** The first of the values of a header as Node's or undici's parsed form has them. */
const firstOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;

/** An answer's headers as undici hands them over: bytes, so that nothing is lost in between. */
export type RawHeaders = readonly (Buffer | string)[];

/**
 * What the client is sent. `rewrite` may change a value by its lower-case name, or drop the header by
 * returning undefined; it is asked about `location` and `x-marathon-leader` only.
 */
export function answerHeaders(
  raw: RawHeaders,
  rewrite: (name: string, value: string) => string | undefined,
): string[] {
  let flat: string[] = [];
  let connection: string | undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = text(raw[at]);
    const value = text(raw[at + 1]);
    if (ANSWER_DROPS.has(name)) {
      if (isConnection(name)) connection = connection ? `${connection},${value}` : value;
      continue;
    }
    const kept = REWRITTEN.has(name) ? rewrite(name.toLowerCase(), value) : value;
    if (kept !== undefined) flat.push(name, kept);
  }
  const named = namedInConnection(connection);
  if (named) flat = without(flat, named);
  return flat;
}

const REWRITTEN = new HeaderNames(['location', 'content-location', 'x-marathon-leader']);

const isConnection = (name: string): boolean => name.toLowerCase() === 'connection';

/** Latin-1 both ways keeps every byte as it was. */
const text = (part: Buffer | string | undefined): string =>
  typeof part === 'string' ? part : (part as Buffer).toString('latin1');

const without = (flat: FlatHeaders, names: HeaderNames): string[] =>
  flat.filter((_, at) => !names.has(flat[at - (at % 2)] as string));

/** The first value under `name` (lower-case) of a flat list. */
export function valueOf(headers: FlatHeaders, name: string): string | undefined {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const other = headers[at] as string;
    if (other.length === name.length && other.toLowerCase() === name) return headers[at + 1];
  }
  return undefined;
}

/** The same for headers as undici hands them over. */
export function rawValueOf(raw: RawHeaders, name: string): string | undefined {
  for (let at = 0; at + 1 < raw.length; at += 2)
    if (raw[at]?.length === name.length && text(raw[at]).toLowerCase() === name)
      return text(raw[at + 1]);
  return undefined;
}
