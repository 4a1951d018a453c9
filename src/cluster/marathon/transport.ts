import { Agent, type ClientRequest } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import axios, {
  type AxiosInstance,
  type AxiosRequestConfig,
  type AxiosResponse,
  isAxiosError,
} from 'axios';
import { BadMarathonAnswer, MarathonUnreachable } from '../errors.ts';
import type { Endpoints } from './endpoints.ts';
import type { Json } from './json.ts';

export interface TransportOptions {
  readonly endpoints: Endpoints;
  /** Value of the Authorization header, asked for each call. */
  readonly authorization?: () => string | undefined;
  /** Longest time for one try at one Marathon, ms. */
  readonly withinMs: number;
  /** Largest answer that is read, bytes. */
  readonly mostBytes: number;
  /** For https: certificates to trust, PEM. Absent: the system's own. */
  readonly ca?: string;
}

/** One call; `path` starts with `/v2`. */
export interface Call {
  readonly method: 'GET' | 'PUT';
  readonly path: string;
  readonly body?: Json;
}

export interface Reply {
  readonly status: number;
  /** Undefined when there was no body or it is no JSON. */
  readonly body: Json | undefined;
  /** The deployment that it started, where it says so. */
  readonly deployment?: string;
}

/** Calls to whichever Marathon answers. */
export interface Transport {
  /**
   * Below 300 or 400 to 499 is an answer; anything else sends the call to the next Marathon. A PUT
   * goes to the next only when the connection was never made, so that it is done at most once.
   *
   * @throws MarathonUnreachable; the signal's reason
   */
  send(call: Call, signal: AbortSignal): Promise<Reply>;
  readonly close: () => void;
}

const IN_PARALLEL = 8;

/** Faults that come before a byte of the request was sent. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

const wasNotSent = (fault: unknown): boolean =>
  isAxiosError(fault) && NOT_SENT.has(fault.code ?? '');

/**
 * A connection that was kept open, and that its other end closed in the moment in which it was used again. Nobody
 * has answered it, and Marathon may be as well as ever.
 */
const wasStale = (fault: unknown): boolean =>
  isAxiosError(fault) &&
  (fault.code === 'ECONNRESET' || fault.code === 'EPIPE') &&
  (fault.request as ClientRequest | undefined)?.reusedSocket === true;

// axios counts a body over the bound as a bad response; another Marathon would send the same.
const isTooLarge = (fault: unknown): boolean =>
  isAxiosError(fault) && fault.message.startsWith('maxContentLength');

const isAnswer = (status: number): boolean =>
  (status >= 200 && status < 300) || (status >= 400 && status < 500);

function parsed(text: unknown): Json | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function replyOf({ status, headers, data }: AxiosResponse): Reply {
  const deployment: unknown = headers['marathon-deployment-id'];
  return { status, body: parsed(data), ...(typeof deployment === 'string' && { deployment }) };
}

const urlOf = (base: URL, path: string): string => base.href.replace(/\/+$/, '') + path;

/** The leader as it names itself in each of its answers: `http://host:port`. */
function leaderIn(headers: AxiosResponse['headers']): string | undefined {
  const named: unknown = headers['x-marathon-leader'];
  return typeof named === 'string' && URL.canParse(named) ? new URL(named).host : undefined;
}

interface Instance {
  readonly http: AxiosInstance;
  /** For a call that takes no connection that was kept open. */
  readonly fresh: Pick<AxiosRequestConfig, 'httpAgent' | 'httpsAgent'>;
  readonly close: () => void;
}

function instance(options: TransportOptions): Instance {
  const { ca } = options;
  const trusted = { ...(ca !== undefined && { ca }) };
  const keeping = { keepAlive: true, maxSockets: IN_PARALLEL };
  const plain = new Agent(keeping);
  const tls = new TlsAgent({ ...keeping, ...trusted });
  const http = axios.create({
    adapter: 'http',
    proxy: false,
    maxRedirects: 0,
    httpAgent: plain,
    httpsAgent: tls,
    timeout: options.withinMs,
    maxContentLength: options.mostBytes,
    maxBodyLength: options.mostBytes,
    responseType: 'text',
    transformResponse: (text: unknown) => text,
    validateStatus: () => true,
  });
  const close = () => {
    plain.destroy();
    tls.destroy();
  };
  const fresh = { httpAgent: new Agent(), httpsAgent: new TlsAgent(trusted) };
  return { http, fresh, close };
}

const headersFor = (authorization: string | undefined, body: Json | undefined) => ({
  accept: 'application/json',
  ...(body !== undefined && { 'content-type': 'application/json' }),
  ...(authorization !== undefined && { authorization }),
});

const described = ({ method, path }: Call): string => `${method} ${path}`;

type Ask = (url: URL, call: Call, signal: AbortSignal) => Promise<AxiosResponse>;

/** Asks one Marathon. What changes nothing is asked once more where a kept connection turns out to be closed. */
function askerOn({ http, fresh }: Instance, { authorization, withinMs }: TransportOptions): Ask {
  const attempt = async (
    url: URL,
    { method, path, body }: Call,
    { signal, isFresh = false }: { readonly signal: AbortSignal; readonly isFresh?: boolean },
  ): Promise<AxiosResponse> => {
    // axios' own time-out does not cover the wait for a connection.
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
    const headers = headersFor(authorization?.(), body);
    const data = body === undefined ? undefined : JSON.stringify(body);
    const request = { url: urlOf(url, path), method, headers, data, signal: deadline };
    return http.request({ ...request, ...(isFresh && fresh) });
  };
  return (url, call, signal) =>
    attempt(url, call, { signal }).catch((fault: unknown) => {
      if (call.method !== 'GET' || !wasStale(fault)) throw fault;
      return attempt(url, call, { signal, isFresh: true });
    });
}

/** A client that goes round the endpoints. It keeps connections open until `close`. */
export function createTransport(options: TransportOptions): Transport {
  const { endpoints } = options;
  const http = instance(options);
  const { close } = http;
  const ask = askerOn(http, options);

  const taken = (url: URL, response: AxiosResponse): Reply => {
    endpoints.answered(url);
    const leader = leaderIn(response.headers);
    if (leader !== undefined) endpoints.leaderIs(leader);
    return replyOf(response);
  };

  const send = async (call: Call, signal: AbortSignal): Promise<Reply> => {
    const tried: string[] = [];
    let last: unknown;
    for (const url of endpoints.inOrder()) {
      signal.throwIfAborted();
      tried.push(url.href);
      try {
        const response = await ask(url, call, signal);
        if (isAnswer(response.status)) return taken(url, response);
        last = new Error(`status ${response.status}`);
      } catch (fault) {
        signal.throwIfAborted();
        if (isTooLarge(fault)) throw tooLarge(call, options.mostBytes);
        last = fault;
      }
      endpoints.failed(url);
      if (call.method !== 'GET' && !wasNotSent(last)) break;
    }
    throw new MarathonUnreachable(described(call), tried, { cause: last });
  };

  return { send, close };
}

const tooLarge = (call: Call, mostBytes: number): BadMarathonAnswer =>
  new BadMarathonAnswer(described(call), `it has more than ${mostBytes} bytes`);
