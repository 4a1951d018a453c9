import type { BodyFault } from '../errors.ts';
import { isObject, type Json, textAt } from './json.ts';

/** An error as Marathon words it, so that its clients show it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly body: {
    readonly message: string;
    readonly details?: string | readonly BodyFault[];
    readonly deployments?: readonly { readonly id: string }[];
  };
}

/**
 * A change that is refused for its content: 422, which no client retries or takes for a dead server.
 * Everything goes into `message`, the only part that some clients print.
 */
export const unprocessable = (message: string, details: readonly BodyFault[]): ErrorAnswer => ({
  status: 422,
  body: { message, details },
});

/** 400, as for bodies that are no JSON; `details` is a text there. */
export const invalidJson = (why: string): ErrorAnswer => ({
  status: 400,
  body: { message: 'Invalid JSON', details: why },
});

/** 400, as for an empty body where one is needed. */
export const missingJson = (): ErrorAnswer => ({
  status: 400,
  body: { message: 'Please specify data in JSON format', details: 'the body is empty' },
});

/** `{"message"}` with any status. */
export const plainError = (status: number, message: string): ErrorAnswer => ({
  status,
  body: { message },
});

const DEFINITE = new Set([400, 401, 403, 404, 405, 406, 409, 410, 413, 414, 415, 422, 429]);

/**
 * Whether an answer to a change means that nothing was done. Server errors do not: the change may
 * have been stored before the answer was lost. Nor do redirects.
 */
export const isDefiniteRefusal = (status: number): boolean => DEFINITE.has(status);

/** Whether the change was taken on. */
export const isAccepted = (status: number): boolean => status >= 200 && status < 300;

/** The text of an error answer; '' when it has none. */
export function messageOf(body: Json | undefined): string {
  if (typeof body === 'string') return body.slice(0, 500);
  return isObject(body) ? (textAt(body, 'message') ?? '') : '';
}
