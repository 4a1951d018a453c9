import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import { unlink } from 'node:fs/promises';
import { connect, type ListenOptions } from 'node:net';
import { CannotListen } from './errors.ts';

/** Port 0 lets the system choose. */
export type Where = { readonly host: string; readonly port: number } | { readonly socket: string };

export interface Listening {
  readonly server: Server;
  /** 0 for a unix socket. */
  readonly port: number;
  /**
   * Stops accepting, lets requests under way end within `withinMs`, then cuts what is left. Idempotent.
   *
   * @returns connections that had to be cut
   */
  close(withinMs: number): Promise<number>;
}

const nameOf = (where: Where): string =>
  'socket' in where ? where.socket : `${where.host}:${where.port}`;

const optionsOf = (where: Where): ListenOptions =>
  'socket' in where ? { path: where.socket } : { host: where.host, port: where.port };

/**
 * Serves HTTP on a port or a unix socket. A socket file that nobody answers on any more (its process was
 * killed) is taken over; one that answers is left alone.
 *
 * @param serve  the requests' listener, or a server made elsewhere
 * @throws CannotListen
 */
export async function listen(serve: RequestListener | Server, where: Where): Promise<Listening> {
  const server = typeof serve === 'function' ? createServer(serve) : serve;
  if ('socket' in where) await dropDeadSocket(where.socket);
  try {
    server.listen(optionsOf(where));
    await once(server, 'listening');
  } catch (cause: unknown) {
    throw new CannotListen(nameOf(where), { cause });
  }
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return { server, port, close: closing(server) };
}

async function dropDeadSocket(path: string): Promise<void> {
  const probe = connect(path);
  try {
    await once(probe, 'connect');
  } catch (fault: unknown) {
    const refused = (fault as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    if (refused) await unlink(path).catch(() => undefined); // a rival was faster
  } finally {
    probe.destroy();
  }
}

function closing(server: Server): (withinMs: number) => Promise<number> {
  let closed: Promise<number> | undefined;
  return (withinMs) => (closed ??= closeWithin(server, withinMs));
}

/** How often a closing server looks for connections that have become idle, ms. */
const SWEEP_MS = 50;

async function closeWithin(server: Server, withinMs: number): Promise<number> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // a kept-alive connection must not linger after its last answer
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  let cut = 0;
  const timer = setTimeout(() => {
    server.getConnections((_, left) => {
      cut = left;
      server.closeAllConnections();
    });
  }, withinMs);
  await ended;
  clearTimeout(timer);
  clearInterval(sweep);
  return cut;
}
