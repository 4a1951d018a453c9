import { once } from 'node:events';
import { lstatSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import process from 'node:process';
import type { Log } from '../../plumbing/log.ts';
import { LedgerInUse } from '../errors.ts';
import { Guest } from './guest.ts';
import type { EmbeddedStore } from './store.ts';

const MOST_CONNECTIONS = 256;
/** 0660: owner and group. */
const UMASK = 0o117;

/**
 * Serves the store to other processes of this machine, who connect with connectStore. A socket that nobody
 * listens on any more is taken over.
 *
 * @throws LedgerInUse when somebody does; the system's error when the path cannot be listened on
 */
export async function shareStore(
  store: EmbeddedStore,
  socketPath: string,
  { log }: { readonly log: Log },
): Promise<{ close(): Promise<void> }> {
  if (await answers(socketPath)) throw new LedgerInUse(socketPath);
  // Whatever else lies there is not ours to remove; listening will then be refused.
  if (lstatSync(socketPath, { throwIfNoEntry: false })?.isSocket()) rmSync(socketPath);
  const guests = new Set<Socket>();
  const server = createServer((socket) => {
    guests.add(socket);
    socket.on('close', () => guests.delete(socket));
    new Guest(store, socket, log);
  });
  server.maxConnections = MOST_CONNECTIONS;
  await listen(server, socketPath);
  const end = () => close(server, guests);
  const closed: { done?: Promise<void> } = {};
  return { close: () => (closed.done ??= end()) };
}

/** The file is made with its mode; changing it later would leave it open to all for a moment. */
async function listen(server: Server, socketPath: string): Promise<void> {
  const listening = once(server, 'listening');
  const before = process.umask(UMASK);
  try {
    server.listen(socketPath);
  } finally {
    process.umask(before);
  }
  await listening;
}

/** True when somebody listens; the one who does may be busy, so being let in is enough. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function close(server: Server, guests: ReadonlySet<Socket>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const socket of guests) socket.destroy();
  await closed;
}
