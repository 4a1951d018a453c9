import { Refusal } from '../core/errors.ts';
import { BadHead, MarathonBrokeOff, MarathonSilent, MarathonUnreachable } from './errors.ts';

/** What is known about a request that got no answer. */
export interface Attempted {
  /** Names of the endpoints asked, in order. */
  readonly tried: readonly string[];
  /** Whether bytes of the request may have reached the last of them. */
  readonly sent: boolean;
  readonly headersWithinMs: number;
}

/** undici's own codes, and the system's, for a connection that never came to be. */
const TIMED_OUT = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
const NOT_SENDABLE = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'ERR_INVALID_CHAR']);

const codeOf = (fault: Error): string => (fault as NodeJS.ErrnoException).code ?? '';

/** Whether the fault was a time-out: asking again would only wait again. */
export const isTimeout = (fault: Error): boolean => TIMED_OUT.has(codeOf(fault));

/** Whether the request itself could not be written: no endpoint would take it. */
export const isUnsendable = (fault: Error): boolean => NOT_SENDABLE.has(codeOf(fault));

/** The fault in our words, with the endpoints that were asked. */
export function explained(cause: Error, { tried, sent, headersWithinMs }: Attempted): Refusal {
  if (cause instanceof Refusal) return cause;
  if (!sent && isUnsendable(cause)) return new BadHead(cause.message, { cause });
  if (!sent) return new MarathonUnreachable(tried, why(cause), { cause });
  const endpoint = tried.at(-1) ?? 'no endpoint';
  if (isTimeout(cause)) return new MarathonSilent(endpoint, headersWithinMs, { cause });
  return new MarathonBrokeOff(endpoint, why(cause), { cause });
}

const PLAIN: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name does not resolve at the moment',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_HEADERS_OVERFLOW: 'the head of the answer is too large',
  HTTPParserError: 'it is not proper HTTP',
};

/** Never the system's own text: it may hold addresses that are to stay hidden. */
function why(cause: Error): string {
  const first =
    cause instanceof AggregateError ? (cause.errors[0] as Error | undefined) : undefined;
  const code = codeOf(cause) || (first ? codeOf(first) : '');
  return PLAIN[code] ?? PLAIN[cause.name] ?? (code === '' ? cause.name : code);
}
