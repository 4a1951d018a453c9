import type { IncomingMessage } from 'node:http';
import { PlanTooLarge } from './errors.ts';

/**
 * The exact bytes of a body.
 *
 * @throws PlanTooLarge, at once when Content-Length says so; the signal's reason
 */
export async function readBody(
  req: IncomingMessage,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw new PlanTooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    signal.throwIfAborted();
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > maxBytes) throw new PlanTooLarge(maxBytes);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
