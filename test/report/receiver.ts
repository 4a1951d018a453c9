import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Listening, listen } from '../../src/plumbing/listen.ts';

export interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

/** A webhook's receiver: a real server that answers as it is told to. */
export async function startReceiver(
  answer: (res: ServerResponse, nth: number) => void,
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      received.push({ headers: req.headers, body: Buffer.concat(chunks).toString() });
      answer(res, received.length);
    });
  });
  const listening: Listening = await listen(server, { host: '127.0.0.1', port: 0 });
  return {
    url: `http://127.0.0.1:${listening.port}/hook`,
    received,
    close: async () => {
      server.closeAllConnections();
      await listening.close(100);
    },
  };
}
