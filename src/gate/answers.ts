import type { ServerResponse } from 'node:http';
import type { Refusal } from '../core/errors.ts';
import { linger } from './linger.ts';

/**
 * The one place where a refusal becomes an HTTP status. What is not listed is 422: the only status that
 * Marathon's clients print whole, do not retry and do not take for a lock or a dead server
 * (reference: go-marathon error.go, marathon-python exceptions.py).
 */
const STATUS: Readonly<Record<string, number>> = {
  'bad-head': 400,
  'bad-json': 400,
  'bad-target': 400,
  'bad-id': 400,
  'client-left': 400,
  forbidden: 403,
  'bad-method': 405,
  'app-locked': 409,
  'body-too-slow': 408,
  'body-too-large': 413,
  'target-too-long': 414,
  'coding-unknown': 415,
  'too-many-at-once': 429,
  'too-many-headers': 431,
  'upgrade-refused': 501,
  'marathon-unreachable': 502,
  'marathon-broke-off': 502,
  'bad-marathon-answer': 502,
  'marathon-refused': 502,
  'cannot-judge': 503,
  'gate-busy': 503,
  'ledger-unreachable': 503,
  'ledger-busy': 503,
  'ledger-behind': 503,
  'ledger-refused': 503,
  'ledger-closed': 503,
  'marathon-silent': 504,
};

export const statusFor = (code: string): number => STATUS[code] ?? 422;

/** Where in the body the fault lies, as Marathon writes it: `/instances`. */
interface Detail {
  readonly path: string;
  readonly errors: readonly string[];
}

const detailsOf = (fault: Refusal): readonly Detail[] =>
  'faults' in fault && Array.isArray(fault.faults) ? (fault.faults as readonly Detail[]) : [];

/**
 * Answers with a refusal in Marathon's own shape. The whole story stands in `message`, since
 * marathon-python prints nothing else; the header is for machines.
 */
export function explain(res: ServerResponse, fault: Refusal): void {
  if (res.headersSent || res.destroyed) return;
  const details = detailsOf(fault);
  const message = `${fault.message}; ${fault.remedy}`;
  const locks = 'deployments' in fault ? (fault.deployments as readonly string[]) : [];
  const body = JSON.stringify({
    message,
    ...(details.length > 0 && { details }),
    // Without it go-marathon takes a 409 for an id that exists already.
    ...(locks.length > 0 && { deployments: locks.map((id) => ({ id })) }),
  });
  res.setHeader('Content-Type', 'application/json');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.setHeader('Corral-Refusal', fault.code);
  if ('verdictId' in fault)
    res.setHeader('Corral-Verdict', `refuse; id=${String(fault.verdictId)}`);
  if ('retryAfterSeconds' in fault) res.setHeader('Retry-After', String(fault.retryAfterSeconds));
  res.statusCode = statusFor(fault.code);
  if (res.req.complete) {
    res.end(body);
    return;
  }
  // The client has its whole answer at once; the connection ends when it has done sending.
  res.setHeader('Connection', 'close');
  res.write(body);
  void linger(res.req).then(() => res.end());
}
