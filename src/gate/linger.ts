import type { IncomingMessage } from 'node:http';

/** How long the rest of a body is read away at the longest, ms, and how much of it, bytes. */
const LINGER_MS = 5_000;
const LINGER_BYTES = 64 * 1024 * 1024;

/**
 * Reads away what is still to come of a body that nobody wants, within bounds.
 *
 * A connection that is closed while bytes of the client are unread is reset by the kernel, and the reset
 * overtakes the answer: the client sees a broken pipe where it should read why it was refused
 * (RFC 9112 section 9.6, "lingering close").
 *
 * @returns when the body has ended, the client has left, or a bound is reached
 */
export function linger(req: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let left = LINGER_BYTES;
    const stop = () => {
      clearTimeout(timer);
      req.off('data', onData).off('end', stop).off('close', stop);
      resolve();
    };
    const onData = (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) stop();
    };
    const timer = setTimeout(stop, LINGER_MS);
    req.on('data', onData).on('end', stop).on('close', stop);
    if (req.complete || req.destroyed) stop();
    else req.resume();
  });
}
