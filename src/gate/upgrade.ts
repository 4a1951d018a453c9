import type { IncomingMessage } from 'node:http';

/**
 * Decision, 2026-11-22. An `Upgrade` is never tunnelled: bytes of a tunnel are requests that nobody
 * judges (h2c smuggling), and Marathon offers no endpoint that needs one. Offers to talk HTTP/2
 * (`h2c`, sent by default by some Java clients and `curl --http2`) are ignored, as RFC 9110 section 7.8 allows: the
 * request is answered over HTTP/1.1. Any other protocol cannot work without the tunnel, so it is
 * refused in words rather than left to fail in the client. Price: no WebSocket through the gate.
 * The server must have no 'upgrade' listener, or Node would hand over the bare socket instead.
 */
const IGNORED = /^(h2c|tls\/1\.\d)$/i;

/** The protocol of an upgrade that must be refused, or undefined. */
export function refusedUpgrade({ headers }: IncomingMessage): string | undefined {
  if (headers.upgrade === undefined) return undefined;
  return headers.upgrade
    .split(',')
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol !== '' && !IGNORED.test(protocol));
}
