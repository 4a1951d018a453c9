import type { IncomingMessage } from 'node:http';
import {
  BodyTooLarge,
  BodyTooSlow,
  ClientLeft,
  TargetTooLong,
  TooManyAtOnce,
  TooManyHeaders,
} from './errors.ts';

export interface HeadBounds {
  /** Longest request target, characters. */
  readonly maxTarget: number;
  /** Most headers of one request. */
  readonly maxHeaders: number;
}

/** Throws TargetTooLong (414) or TooManyHeaders (431). The size of all headers is Node's own bound. */
export function checkHead(req: IncomingMessage, { maxTarget, maxHeaders }: HeadBounds): void {
  const length = req.url?.length ?? 0;
  if (length > maxTarget) throw new TargetTooLong(length, maxTarget);
  const count = req.rawHeaders.length / 2;
  if (count > maxHeaders) throw new TooManyHeaders(count, maxHeaders);
}

export interface BodyBounds {
  readonly maxBytes: number;
  /** Longest time until the last byte, ms. */
  readonly withinMs: number;
}

/**
 * The exact bytes of a body, whatever its framing.
 *
 * After a refusal the rest of the body is discarded as it comes, so that the answer reaches the client;
 * the answer should carry `Connection: close`.
 *
 * @throws BodyTooLarge (413), at once when Content-Length says so; BodyTooSlow (408); ClientLeft
 */
export function readBody(req: IncomingMessage, bounds: BodyBounds): Promise<Buffer> {
  const announced = Number(req.headers['content-length'] ?? 0);
  if (announced > bounds.maxBytes) {
    req.resume();
    return Promise.reject(new BodyTooLarge(bounds.maxBytes));
  }
  return new Promise((resolve, reject) => {
    collect(req, bounds, { resolve, reject });
  });
}

interface Outcome {
  readonly resolve: (body: Buffer) => void;
  readonly reject: (fault: Error) => void;
}

function collect(req: IncomingMessage, { maxBytes, withinMs }: BodyBounds, outcome: Outcome): void {
  const chunks: Buffer[] = [];
  let received = 0;
  const settle = (act: () => void) => {
    clearTimeout(timer);
    req.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    req.on('error', ignore); // a client that leaves later is no bug of ours
    act();
  };
  const refuse = (fault: Error) => {
    settle(() => {
      chunks.length = 0;
      req.resume();
      outcome.reject(fault);
    });
  };
  const onData = (chunk: Buffer) => {
    received += chunk.length;
    if (received > maxBytes) refuse(new BodyTooLarge(maxBytes));
    else chunks.push(chunk);
  };
  const onEnd = () => settle(() => outcome.resolve(Buffer.concat(chunks, received)));
  const onClose = () => refuse(new ClientLeft('before its body was complete'));
  const timer = setTimeout(() => refuse(new BodyTooSlow(received, withinMs)), withinMs);
  req.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  if (req.destroyed && !req.readableEnded) onClose();
}

const ignore = (): void => undefined;

/** A fixed number of places. */
export interface Permits {
  /** Takes a place and returns what gives it back (twice is once); throws TooManyAtOnce (429). */
  take(): () => void;
  /** Places taken now. */
  readonly taken: number;
}

/** @param max  most places taken at once, at least 1 */
export function createPermits(max: number): Permits {
  let taken = 0;
  return {
    take() {
      if (taken >= max) throw new TooManyAtOnce(max);
      taken += 1;
      let given = false;
      return () => {
        if (!given) taken -= 1;
        given = true;
      };
    },
    get taken() {
      return taken;
    },
  };
}
