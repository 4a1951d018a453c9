import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface TcpMaster {
  readonly url: string;
  /** Requests so far, each as it was received. */
  readonly requests: string[];
  /** Ends every connection without a word. */
  cut(): void;
}

/** A master that talks TCP by hand: `talk` is called for each request, with the number of it. */
export async function tcpMaster(
  t: TestContext,
  talk: (socket: Socket, request: number) => void,
): Promise<TcpMaster> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      requests.push(data.toString());
      talk(socket, requests.length);
    });
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready));
  t.after(() => {
    cut();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, cut };
}

export const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';

/** One chunk of a chunked body. */
export const chunk = (bytes: Buffer | string): Buffer => {
  const body = Buffer.from(bytes);
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]);
};

/** One record of RecordIO. */
export const framed = (value: unknown): Buffer => {
  const body = Buffer.from(JSON.stringify(value));
  return Buffer.concat([Buffer.from(`${body.length}\n`), body]);
};
