import { once } from 'node:events';
import { type IncomingMessage, type Server, createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import Koa from 'koa';
import { type HeadBounds, checkHead } from '../../src/gate/bounds.ts';
import {
  type ForwardResult,
  type Forwarder,
  type ForwarderOptions,
  type JudgedRequest,
  createForwarder,
} from '../../src/gate/forward.ts';
import { guard, serverOptions } from '../../src/gate/forward-server.ts';
import { inTurn } from '../../src/gate/upstream.ts';
import { silentLog } from '../../src/plumbing/log.ts';

/** The gate's data path alone: Koa in front, a forwarder behind, nothing judged in between. */
export interface Gate {
  readonly url: URL;
  readonly port: number;
  readonly server: Server;
  readonly forwarder: Forwarder;
  /** What the forwarder said of each exchange that is over. */
  readonly results: ForwardResult[];
  close(): Promise<void>;
}

export interface GateWishes extends Partial<ForwarderOptions> {
  /** Requests with a body are read and sent as judged ones. */
  readonly judge?: Partial<JudgedRequest>;
  readonly head?: HeadBounds;
  readonly headWithinMs?: number;
  readonly stallMs?: number;
}

const bounds = {
  maxHeadBytes: 32 * 1024,
  requestWithinMs: 180_000,
  keepAliveMs: 5000,
};

export async function startGate(urls: readonly URL[], wishes: GateWishes = {}): Promise<Gate> {
  const { judge, head, headWithinMs = 180_000, stallMs = 180_000, ...options } = wishes;
  const forwarder = createForwarder({
    endpoints: inTurn(urls),
    connections: 64,
    headersWithinMs: 180_000,
    log: silentLog,
    ...options,
  });
  const results: ForwardResult[] = [];
  const app = new Koa();
  app.silent = true;
  app.use(async ({ req, res }, next) => {
    if (head) checkHead(req, head);
    await next();
  });
  app.use(async (ctx) => {
    ctx.respond = false;
    const { req, res } = ctx;
    if (!judge) return forwarder.stream(req, res, (result) => results.push(result));
    const { target = req.url ?? '', body = await bytesOf(req) } = judge;
    results.push(await forwarder.send(req, res, { ...judge, target, body }));
  });
  const limits = { ...bounds, headWithinMs, stallMs };
  const server = createServer(serverOptions(limits), app.callback());
  guard(server, limits);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://127.0.0.1:${port}`);
  const close = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await forwarder.close();
    await closed;
  };
  return { url, port, server, forwarder, results, close };
}

export async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly raw: readonly string[];
  readonly body: Buffer;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
}

/** One request on a connection of its own; rejects when the transfer breaks. */
export async function ask(gate: { port: number }, path: string, how: Ask = {}): Promise<Reply> {
  const { method = 'GET', headers = {}, body } = how;
  const res = await answerTo(gate, path, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const { statusCode: status = 0, rawHeaders: raw } = res;
  return { status, headers: res.headers, raw, body: await bytesOf(res) };
}

/** The head of an answer, its body still to be read. */
export async function answerTo(
  { port }: { port: number },
  path: string,
  { method = 'GET', headers = {}, body }: Ask = {},
): Promise<IncomingMessage> {
  const framed =
    body === undefined || 'Transfer-Encoding' in headers
      ? headers
      : { 'Content-Length': `${Buffer.byteLength(body)}`, ...headers };
  const req = request({ port, host: '127.0.0.1', path, method, headers: framed, agent: false });
  req.end(body);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  return res;
}

/** Bytes in, bytes out, until the other side closes. */
export async function speak({ port }: { port: number }, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

/** Resolves once `holds` does; fails loudly after three minutes. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (const late = performance.now() + 180_000; performance.now() < late;) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`waited in vain until ${what}`);
}
