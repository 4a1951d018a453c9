import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';

/** A request to the letter: nothing is folded, encoded or added to what is given. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Written piece by piece, each its own chunk when no Content-Length is given. */
  readonly body?: readonly (string | Buffer)[];
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Sends it and reads the whole answer. @throws when the connection ends before */
export async function sendRaw(base: string, raw: RawRequest): Promise<RawAnswer> {
  const { hostname, port } = new URL(base);
  const { method, path, headers = {}, body = [] } = raw;
  const out = request({ hostname, port, method, path, headers, agent: false });
  for (const piece of body) out.write(piece);
  out.end();
  const [answer] = (await once(out, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return { status: answer.statusCode ?? 0, headers: answer.headers, text };
}
