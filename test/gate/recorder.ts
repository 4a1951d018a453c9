import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Seen, startUpstream } from '../fakes/upstream.ts';

/** Answers a request itself and says true, or leaves it to Marathon. */
export type Intercept = (
  seen: Seen,
  res: ServerResponse,
  req: IncomingMessage,
) => boolean | undefined | Promise<boolean | undefined>;

/** Stands before one Marathon: keeps each request as it arrived, and passes it on. */
export interface Recorder {
  readonly url: string;
  /** Complete requests, in order, reads included. */
  readonly seen: Seen[];
  /** Asked before each request is passed on; undefined passes all on. */
  intercept: Intercept | undefined;
  close(): Promise<void>;
}

export async function startRecorder(target: string): Promise<Recorder> {
  const recorder: { intercept: Intercept | undefined } = { intercept: undefined };
  const upstream = await startUpstream((req, res, seen) => {
    void (async () => {
      if ((await recorder.intercept?.(seen, res, req)) === true) return;
      passOn(target, seen, res);
    })().catch(() => res.destroy());
  });
  return Object.assign(recorder, {
    url: upstream.url.origin,
    seen: upstream.seen,
    close: () => upstream.close(),
  });
}

function passOn(target: string, { method, target: path, raw, body }: Seen, res: ServerResponse) {
  const { hostname, port } = new URL(target);
  const out = request(
    { hostname, port, method, path, headers: [...raw], agent: false },
    (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      res.flushHeaders(); // an event stream has a head long before it has a body
      answer.pipe(res);
      answer.on('error', () => res.destroy());
    },
  );
  out.on('error', () => res.destroy());
  res.on('close', () => out.destroy());
  out.end(body);
}
