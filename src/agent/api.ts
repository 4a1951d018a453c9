import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import type { Log } from '../plumbing/log.ts';
import type { LoopState } from '../plumbing/loop.ts';

/** One thing that must be well for the agent to be of use. */
export interface ReadyItem {
  readonly name: string;
  readonly ready: boolean;
  readonly detail: string;
}

/** A loop's state as a line of /ready. */
export const itemOf = ({ name, ok, lastFault, turns }: LoopState): ReadyItem => ({
  ...{ name, ready: ok },
  detail: lastFault ?? `${turns} turns`,
});

/** What a path answers: a text, or pieces until the signal, which is aborted when the client has gone. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | ((signal: AbortSignal) => AsyncIterable<string>);
}

export type Route = (signal: AbortSignal) => Promise<Answer>;

export const json = (body: unknown, status = 200): Answer => ({
  ...{ status, type: 'application/json' },
  body: `${JSON.stringify(body)}\n`,
});

const WITHIN_MS = 5_000;

/**
 * The agent's own API, on a socket that only root and its group reach: reads only.
 *
 * @param routes  by path
 */
export function agentApi(routes: ReadonlyMap<string, Route>, log: Log): RequestListener {
  const answerTo = async (method: string, url: string): Promise<Answer> => {
    const route = routes.get(url.split('?')[0] ?? '');
    if (!route)
      return json({ error: `nothing at ${url.slice(0, 200)}`, paths: [...routes.keys()] }, 404);
    if (method !== 'GET') return json({ error: 'only GET is answered here' }, 405);
    try {
      return await route(AbortSignal.timeout(WITHIN_MS));
    } catch (fault) {
      log.warn('the agent could not answer', { url, fault: String(fault) });
      return json({ error: String(fault) }, 503);
    }
  };
  return (request, answer) => {
    request.resume();
    void answerTo(request.method ?? '', request.url ?? '').then((what) => {
      const { status, type, body } = what;
      if (typeof body === 'string') {
        const length = Buffer.byteLength(body);
        answer.writeHead(status, { 'content-type': type, 'content-length': length }).end(body);
        return;
      }
      answer.writeHead(status, { 'content-type': type });
      void stream(body, answer).catch((fault: unknown) => {
        log.warn('the agent could not go on answering', { fault: String(fault) });
        answer.destroy();
      });
    });
  };
}

async function stream(
  pieces: Exclude<Answer['body'], string>,
  answer: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  answer.once('close', () => gone.abort(new Error('the client has gone')));
  for await (const piece of pieces(gone.signal)) {
    if (gone.signal.aborted) return;
    if (!answer.write(piece)) await once(answer, 'drain', { signal: gone.signal });
  }
  answer.end();
}
