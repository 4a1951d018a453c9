import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import { Patience } from './patience.ts';
import type { Reply } from './search.ts';

export interface TransportOptions {
  /** Value of the Authorization header, asked for each request. */
  readonly authorization?: () => string | undefined;
  /** Longest wait for the head of an answer, and for more of its body, ms. */
  readonly withinMs: number;
  /** For https: certificates to trust, PEM. Absent: the system's own. */
  readonly ca?: string;
}

/** An answer whose body is still to come. */
export interface Opened extends Reply {
  /** Whoever opened it reads or destroys it. */
  readonly body: Readable;
  /** Bounds the wait for the body: to be renewed as it comes, and ended with it. */
  readonly patience: Patience;
}

export interface Request {
  /** Path and query. */
  readonly target: string;
  /** Posted as JSON; absent: a GET. */
  readonly call?: object;
  /** An endless answer: not compressed, whose parts would be held back. */
  readonly endless?: boolean;
}

/** Requests to masters, with the answers as they come. Connections are kept until `close`. */
export interface Transport {
  open(master: URL, request: Request, signal: AbortSignal): Promise<Opened>;
  readonly close: () => void;
}

const IN_PARALLEL = 8;
/** A stream begins with the state of the whole cluster, which the master writes down first. */
const SNAPSHOT_WITHIN_MS = 60_000;

export function createTransport(options: TransportOptions): Transport {
  const { http, close } = instance(options);
  const headersOf = ({ call, endless }: Request): Record<string, string> => {
    const authorization = options.authorization?.();
    return {
      accept: 'application/json',
      // exactly this: with a charset behind it, Mesos answers 415
      ...(call && { 'content-type': 'application/json' }),
      ...(endless === true && { 'accept-encoding': 'identity' }),
      ...(authorization !== undefined && { authorization }),
    };
  };
  return {
    open: async (master, request, signal) => {
      const { withinMs } = options;
      const first = request.endless === true ? Math.max(withinMs, SNAPSHOT_WITHIN_MS) : withinMs;
      const patience = new Patience(signal, first);
      try {
        const reply: AxiosResponse<Readable> = await http.request({
          url: new URL(request.target, master).href,
          method: request.call ? 'POST' : 'GET',
          headers: headersOf(request),
          signal: patience.signal,
          ...(request.call && { data: JSON.stringify(request.call) }),
        });
        return { status: reply.status, location: locationOf(reply), body: reply.data, patience };
      } catch (fault: unknown) {
        patience.end();
        throw fault;
      }
    },
    close,
  };
}

function locationOf({ headers }: AxiosResponse): string | undefined {
  const location: unknown = headers['location'];
  return typeof location === 'string' ? location : undefined;
}

function instance(options: TransportOptions): { http: AxiosInstance; close: () => void } {
  const keeping = { keepAlive: true, maxSockets: IN_PARALLEL };
  const plain = new Agent(keeping);
  const tls = new TlsAgent({ ...keeping, ...(options.ca !== undefined && { ca: options.ca }) });
  const http = axios.create({
    adapter: 'http',
    proxy: false,
    maxRedirects: 0,
    httpAgent: plain,
    httpsAgent: tls,
    // its own time-out does not cover the wait for a connection: see Patience
    timeout: 0,
    maxContentLength: -1,
    responseType: 'stream',
    transformRequest: (body: string) => body,
    validateStatus: () => true,
  });
  const close = () => {
    plain.destroy();
    tls.destroy();
  };
  return { http, close };
}
