import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Release, Take } from '../soak/history.ts';
import type { Recorder } from '../soak/history.ts';

export interface Answered {
  readonly status: number;
  readonly body: Buffer;
  readonly type: string;
}

/** One call of the plugin protocol. @throws when the connection broke: the outcome is unknown */
export function forward(
  socketPath: string,
  path: string,
  { body, signal }: { readonly body: Buffer; readonly signal?: AbortSignal },
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': body.length };
    const asked = request({ socketPath, path, method: 'POST', headers, signal }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          body: Buffer.concat(chunks),
          type: answer.headers['content-type'] ?? '',
        }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** Writes down what is asked of one node's agent and what it answers; knows who holds what. */
export class Witnessed {
  readonly #recorder: Recorder;
  readonly #node: string;
  readonly holders = new Map<string, string>();
  readonly #tookMs: number[] = [];
  #asked = 0;

  constructor(recorder: Recorder, node: string) {
    this.#recorder = recorder;
    this.#node = node;
  }

  /** `deliver` says whether whoever asked has the answer. @throws what `send` throws */
  async call(
    path: string,
    body: Buffer,
    {
      send,
      deliver,
    }: { send: () => Promise<Answered>; deliver: (a: Answered) => Promise<boolean> },
  ): Promise<void> {
    const says = JSON.parse(body.toString() || '{}') as { Address?: string };
    if (path.endsWith('.RequestAddress')) await this.#take(send, deliver);
    else if (path.endsWith('.ReleaseAddress'))
      await this.#release(says.Address ?? '', send, deliver);
    else await deliver(await send());
  }

  /** Docker ended everything here, now or later, and tells us or not. */
  allMayEnd(): void {
    for (const [address, holder] of this.holders)
      this.#recorder.begin<Release>({ does: 'release', holder, address });
  }

  /** How long requests for an address took, for people. */
  pace(): string {
    const sorted = [...this.#tookMs].sort((a, b) => a - b);
    const at = (share: number): string =>
      (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(0);
    return `RequestAddress of ${this.#node}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(0.9999)} ms`;
  }

  async #take(
    send: () => Promise<Answered>,
    deliver: (answer: Answered) => Promise<boolean>,
  ): Promise<void> {
    const holder = `${this.#node}-${(this.#asked += 1)}`;
    const answered = this.#recorder.begin<Take>({ does: 'take', holder });
    const started = performance.now();
    const answer = await send();
    this.#tookMs.push(performance.now() - started);
    const { Address } = JSON.parse(answer.body.toString()) as { Address?: string };
    const [address] = (Address ?? '').split('/');
    if (address) this.holders.set(address, holder);
    if (!(await deliver(answer))) return;
    if (address) answered({ address });
  }

  async #release(
    address: string,
    send: () => Promise<Answered>,
    deliver: (answer: Answered) => Promise<boolean>,
  ): Promise<void> {
    const holder = this.holders.get(address) ?? 'nobody';
    // Stays of unknown outcome: an answer says that it was taken note of, and the ledger may hear of it
    // later, from the journal.
    this.#recorder.begin<Release>({ does: 'release', holder, address });
    this.holders.delete(address);
    await deliver(await send());
  }
}

/** Stands where dockerd looks for the plugin, and passes on to the agent what is asked. */
export async function plugInBetween(
  socket: string,
  agentSocket: string,
  witnessed: Witnessed,
): Promise<{ close(): Promise<void> }> {
  rmSync(socket, { force: true });
  const serve = async (asked: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of asked as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const path = asked.url ?? '';
    const deliver = ({ status, body: said, type }: Answered): Promise<boolean> =>
      new Promise((resolve) => {
        if (answer.closed) return resolve(false);
        answer.once('close', () => resolve(answer.writableFinished));
        answer.writeHead(status, { 'content-type': type, 'content-length': said.length });
        answer.end(said);
      });
    const gone = new AbortController();
    answer.once('close', () => gone.abort()); // the agent is to see that nobody waits any more
    const send = () => forward(agentSocket, path, { body, signal: gone.signal });
    await witnessed.call(path, body, { send, deliver });
  };
  const server = createServer((asked, answer) => {
    serve(asked, answer).catch(() => answer.destroy()); // as when the agent itself breaks off
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
