import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TestContext } from 'node:test';
import {
  createMesosClient,
  type MesosClient,
  type MesosOptions,
} from '../../../src/cluster/mesos/client.ts';
import { listen } from '../../../src/plumbing/listen.ts';

export interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Master {
  readonly host: string;
  readonly url: string;
  readonly seen: Seen[];
  /** What it does with the next requests. */
  answer: (response: ServerResponse) => void;
  stop(): Promise<void>;
}

/** A master that answers as it is told; over TLS where it has a certificate. */
export async function master(
  t: TestContext,
  answer: Master['answer'],
  tls?: { readonly cert: string; readonly key: string },
): Promise<Master> {
  const seen: Seen[] = [];
  const read = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const part of request) body += String(part);
    const { method, url, headers } = request;
    seen.push({ method, url, headers, body });
    me.answer(response);
  };
  const serve = (request: IncomingMessage, response: ServerResponse): void =>
    void read(request, response);
  const server = tls ? createTlsServer(tls, serve) : serve;
  const { port, close } = await listen(server, { host: '127.0.0.1', port: 0 });
  t.after(() => close(0));
  const host = `127.0.0.1:${port}`;
  const me: Master = {
    host,
    url: `${tls ? 'https' : 'http'}://${host}`,
    seen,
    answer,
    stop: async () => void (await close(0)),
  };
  return me;
}

export const json = (value: unknown) => (response: ServerResponse) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
};
export const status =
  (code: number, text = '', headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    response.writeHead(code, headers).end(text);
export const sendTo = (other: Master) => status(307, '', { location: `//${other.host}/api/v1` });

export function clientOf(
  t: TestContext,
  masters: readonly Master[],
  more: Partial<MesosOptions> = {},
): MesosClient {
  const client = createMesosClient({
    masters: masters.map(({ url }) => url),
    withinMs: 180_000,
    ...more,
  });
  t.after(() => client.close());
  return client;
}
