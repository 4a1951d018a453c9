import type { Middleware } from 'koa';
import { Refusal } from '../core/errors.ts';
import type { Log } from '../plumbing/log.ts';
import { WrongMethod } from './errors.ts';
import type { ErrorShape } from './shapes/error.ts';

/** The one place where a refusal becomes a status of the console. What is not listed is 422. */
const STATUS: Readonly<Record<string, number>> = {
  'bad-query': 400,
  'bad-json': 400,
  'bad-change': 400,
  'wrong-host': 403,
  'wrong-origin': 403,
  'no-such-path': 404,
  'not-known': 404,
  'no-such-holding': 404,
  'unknown-node': 404,
  'wrong-method': 405,
  'limit-past-link': 409,
  'plan-too-large': 413,
  'not-json': 415,
  'marathon-unreachable': 503,
  'ledger-unreachable': 503,
  'ledger-busy': 503,
  'ledger-behind': 503,
  'cannot-judge': 503,
  'answer-late': 504,
};

const INTERNAL: ErrorShape = {
  error: {
    code: 'internal',
    message: 'the console failed in a way nobody foresaw',
    remedy: 'see the log of this process, and report it',
  },
};

/** Every fault as JSON. Only what was raised on purpose reaches the client; the rest is logged. */
export function explainFaults(log: Log): Middleware {
  return async function explain(ctx, next) {
    ctx.set('Cache-Control', 'no-store');
    ctx.set('X-Content-Type-Options', 'nosniff');
    try {
      await next();
    } catch (fault) {
      if (fault instanceof WrongMethod) ctx.set('Allow', fault.allowed.join(', '));
      if (!(fault instanceof Refusal)) log.error('console failed', { path: ctx.path, fault });
      ctx.status = fault instanceof Refusal ? (STATUS[fault.code] ?? 422) : 500;
      ctx.body = fault instanceof Refusal ? shapeOf(fault) : INTERNAL;
      // The rest of a body that was not read would be taken for the next request.
      if (!ctx.req.complete) ctx.set('Connection', 'close');
    }
  };
}

const shapeOf = ({ code, message, remedy }: Refusal): ErrorShape => ({
  error: { code, message, remedy },
});
