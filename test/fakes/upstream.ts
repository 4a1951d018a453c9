import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, type Server, type Socket, createServer as createTcp } from 'node:net';

/** A request as it arrived, to the letter. */
export interface Seen {
  readonly method: string;
  readonly target: string;
  /** name, value, name, value */
  readonly raw: readonly string[];
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A real HTTP server on loopback that behaves as told. */
export interface Upstream {
  readonly url: URL;
  readonly port: number;
  /** Complete requests, in order. */
  readonly seen: Seen[];
  /** Connections open now. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

export type Behaviour = (req: IncomingMessage, res: ServerResponse, seen: Seen) => unknown;

/** Reads each request whole, keeps it, then behaves. */
export function startUpstream(behave: Behaviour): Promise<Upstream> {
  const seen: Seen[] = [];
  return startRaw((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { method = '', url: target = '', rawHeaders: raw, headers } = req;
      const one = { method, target, raw, headers, body: Buffer.concat(chunks) };
      seen.push(one);
      behave(req, res, one);
    });
  }, seen);
}

/** As startUpstream, but the body is left to the behaviour and nothing is kept. */
export function startRaw(
  behave: (req: IncomingMessage, res: ServerResponse) => unknown,
  seen: Seen[] = [],
): Promise<Upstream> {
  const options = { requestTimeout: 0, keepAliveTimeout: 0 }; // a client that stands still finds its connection as it was
  const server = createServer(options, (req, res) => void behave(req, res));
  server.maxHeadersCount = 0; // Node's own default drops headers in silence
  return listening(server, seen);
}

/** Not even HTTP: each connection is handed over as it is. */
export const startTcp = (behave: (socket: Socket) => unknown): Promise<Upstream> =>
  listening(
    createTcp((socket) => {
      socket.on('error', () => undefined);
      behave(socket);
    }),
    [],
  );

async function listening(server: Server, seen: Seen[]): Promise<Upstream> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    port,
    seen,
    sockets,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A port of loopback on which nothing listens. */
export async function closedPort(): Promise<URL> {
  const { url, close } = await startTcp(() => undefined);
  await close();
  return url;
}
