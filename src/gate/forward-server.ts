import { STATUS_CODES, type Server, type ServerOptions } from 'node:http';
import type { Duplex } from 'node:stream';

export interface ServerBounds {
  /** Request line and headers together, bytes. */
  readonly maxHeadBytes: number;
  /** Longest time until the headers are complete, ms (408 after it). */
  readonly headWithinMs: number;
  /** Longest time until the whole request is there, ms (408 after it). */
  readonly requestWithinMs: number;
  /** How long an idle connection is kept for the next request, ms. */
  readonly keepAliveMs: number;
  /** A connection on which nothing moves for this long is closed: a reader that stalls holds one of Marathon's. */
  readonly stallMs: number;
}

/** Enough for answers of some hundred kB to be written without holding the upstream. */
const WRITE_AHEAD = 256 * 1024;

/** Options for `http.createServer`, beside `guard`. */
export const serverOptions = (bounds: ServerBounds): ServerOptions => ({
  maxHeaderSize: bounds.maxHeadBytes,
  headersTimeout: bounds.headWithinMs,
  requestTimeout: bounds.requestWithinMs,
  keepAliveTimeout: bounds.keepAliveMs,
  // how often the two time-outs above are looked at
  connectionsCheckingInterval: Math.max(100, Math.min(5000, bounds.headWithinMs / 2)),
  noDelay: true,
  highWaterMark: WRITE_AHEAD,
  insecureHTTPParser: false,
});

const STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Applies what cannot be said in the options: the stall bound, and answers to what is no request. */
export function guard(server: Server, { stallMs }: ServerBounds): void {
  server.setTimeout(stallMs);
  server.maxHeadersCount = 0; // Node would drop those over its bound in silence; checkHead refuses them
  server.on('clientError', answerClientError);
}

/** Bytes that Node's parser refuses never become a request; they are answered here and end there. */
function answerClientError(fault: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || fault.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = STATUS[fault.code ?? ''] ?? 400;
  const reason = STATUS_CODES[status] ?? 'Bad Request';
  const body = JSON.stringify({ message: `the request was not read: ${reason.toLowerCase()}` });
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
