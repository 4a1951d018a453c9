import { isTimeout, isUnsendable } from './forward-faults.ts';

/** A request that one endpoint did not answer. */
export interface Unanswered {
  readonly fault: Error;
  /** Whether bytes of it may have reached that endpoint. */
  readonly sent: boolean;
  readonly method: string;
  readonly hasBody: boolean;
  /** Endpoints asked so far, in order. */
  readonly tried: readonly URL[];
}

const MOST_ATTEMPTS = 3;

/** Methods that change nothing: they may be asked again when an answer never began. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export const isSafe = (method: string): boolean => SAFE.has(method);

/** Whether the endpoint is to blame, so that another one should be used from now on. */
export const blames = ({ fault }: Unanswered): boolean => !isUnsendable(fault) && !isTimeout(fault);

/**
 * Whether to ask `next`. When nothing was sent: every request, at every endpoint once. When it was:
 * only a safe request without a body, whose answer had not begun, and once.
 */
export function asksAgain(unanswered: Unanswered, next: URL): boolean {
  const { sent, method, hasBody, tried } = unanswered;
  if (!blames(unanswered) || tried.length >= MOST_ATTEMPTS) return false;
  if (!sent) return !tried.some(({ href }) => href === next.href);
  return isSafe(method) && !hasBody && tried.length === 1;
}
