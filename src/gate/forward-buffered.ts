import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';

/** A body as it can be handed to undici. */
export type Body = Buffer | Readable | null;

/** Whether a request has a body, by its framing alone (RFC 9112 section 6.3). */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/**
 * The request's body behind a pipe of its own: undici destroys a body that an early answer made
 * needless, and the client's connection must outlive that.
 */
export const piped = (req: IncomingMessage): PassThrough => req.pipe(new PassThrough());

/**
 * A body of unknown length, read up to `most` bytes. One that ends within them is returned whole and
 * gets a Content-Length: a standby Marathon drops a chunked body on its way to the leader. A longer
 * one is returned as a stream, its beginning included. Undefined when the client left before.
 */
export function gathered(
  req: IncomingMessage,
  most: number,
): Promise<Buffer | PassThrough | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = () => req.off('data', onData).off('end', onEnd);
    const onEnd = () => {
      stop();
      resolve(Buffer.concat(chunks, size));
    };
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= most) return;
      stop();
      const stream = new PassThrough();
      for (const early of chunks) stream.write(early);
      resolve(req.pipe(stream));
    };
    req.on('data', onData).on('end', onEnd);
    req.once('close', () => {
      stop();
      resolve(undefined); // has no effect once the end was seen
    });
  });
}
