import { type IncomingMessage, type ServerResponse, request } from 'node:http';

const FORWARD_MS = 10_000;
const DROPPED = new Set(['host', 'connection', 'transfer-encoding']);

/**
 * Forwards a request to the leader as a standby Marathon does: events are redirected, everything
 * else is proxied, and a body of unknown length is lost on the way.
 *
 * @param self    host:port of this standby
 * @param leader  host:port of the leader
 */
export const forwardToLeader = (
  from: IncomingMessage,
  to: ServerResponse,
  self: string,
  leader: string,
): void => {
  const via = `1.1 ${self}`;
  if (from.url?.startsWith('/v2/events')) {
    to.writeHead(302, { Location: `http://${leader}${from.url}` }).end();
    return;
  }
  if (from.headers['x-marathon-via'] === via) {
    to.writeHead(502, { 'Content-Type': 'text/html' }).end('<html>proxy loop</html>');
    return;
  }
  const kept = Object.entries(from.headers).filter(([name]) => !DROPPED.has(name));
  const [host, port] = leader.split(':');
  const headers = { ...Object.fromEntries(kept), 'X-Marathon-Via': via };
  const onward = request({
    host,
    port,
    method: from.method,
    path: from.url,
    headers,
    timeout: FORWARD_MS,
  });
  onward.once('response', (answer) => {
    to.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'X-Marathon-Via': via });
    answer.pipe(to);
  });
  onward.once('timeout', () => onward.destroy(new Error('the leader is silent')));
  onward.once('error', () => {
    if (!to.headersSent) to.writeHead(502, { 'Content-Type': 'text/html' });
    to.end('<html>no leader</html>');
  });
  if (from.headers['content-length'] === undefined) onward.end();
  else from.pipe(onward);
};
