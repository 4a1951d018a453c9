import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import axios, { type AxiosInstance, type AxiosResponse, isAxiosError } from 'axios';
import { BadMesosAnswer, MesosRefused, MesosUnreachable } from '../errors.ts';
import { createMasters, type Masters } from './leader.ts';

export interface MesosOptions {
  /** Base URLs of the masters; at least one. */
  readonly masters: readonly string[];
  /** Value of the Authorization header, asked for each call. */
  readonly authorization?: () => string | undefined;
  /** Longest time for one try at one master, ms. */
  readonly withinMs: number;
  /** Largest answer that is read, bytes. Default 256 MiB: GET_AGENTS has some 3 KB for each agent. */
  readonly mostBytes?: number;
  /** For https: certificates to trust, PEM. Absent: the system's own. */
  readonly ca?: string;
}

/** One call of the v1 operator API. */
export interface MesosCall {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface MesosClient {
  /**
   * Asks the leading master, wherever it is. A 2xx with an empty body gives undefined.
   *
   * @throws MesosUnreachable, MesosRefused, BadMesosAnswer; the signal's reason
   */
  call(call: MesosCall, signal: AbortSignal): Promise<unknown>;
  /**
   * GET of the older API at the leading master, which can say one thing where v1 says all:
   * `/slaves?slave_id=…`. It has a realm of its own (read-only), usually with the same credentials.
   *
   * @throws as call
   */
  read(target: string, signal: AbortSignal): Promise<unknown>;
  readonly close: () => void;
}

const MOST_BYTES = 256 * 1024 * 1024;
const IN_PARALLEL = 8;
/** Redirects followed for one call: leadership may move while we ask, not for ever. */
const MOST_HOPS = 4;

/** A client that finds the leader by itself. It keeps connections open until `close`. */
export function createMesosClient(options: MesosOptions): MesosClient {
  const masters = createMasters(options.masters);
  const { http, close } = instance(options);
  const headers = (): Record<string, string> => {
    const authorization = options.authorization?.();
    return { accept: 'application/json', ...(authorization !== undefined && { authorization }) };
  };
  // axios' own time-out does not cover the wait for a connection
  const within = (signal: AbortSignal): AbortSignal =>
    AbortSignal.any([signal, AbortSignal.timeout(options.withinMs)]);
  const post = (master: URL, body: string, signal: AbortSignal): Promise<AxiosResponse<string>> =>
    http.post<string>(new URL('/api/v1', master).href, body, {
      // exactly this: with a charset behind it, Mesos answers 415
      headers: { ...headers(), 'content-type': 'application/json' },
      signal: within(signal),
    });
  const get = (master: URL, target: string, signal: AbortSignal): Promise<AxiosResponse<string>> =>
    http.get<string>(new URL(target, master).href, { headers: headers(), signal: within(signal) });
  const lead = async (what: string, ask: Ask, signal: AbortSignal): Promise<unknown> =>
    answerOf(what, await new Search(masters, what).run(ask, signal));
  return {
    call: (call, signal) =>
      lead(call.type, (master) => post(master, JSON.stringify(call), signal), signal),
    read: (target, signal) =>
      lead(`GET ${target}`, (master) => get(master, target, signal), signal),
    close,
  };
}

type Ask = (master: URL) => Promise<AxiosResponse<string>>;

/** One call's way from master to master. */
class Search {
  readonly #masters: Masters;
  readonly #what: string;
  readonly #tried: string[] = [];
  #cause: unknown;

  constructor(masters: Masters, what: string) {
    this.#masters = masters;
    this.#what = what;
  }

  async run(ask: Ask, signal: AbortSignal): Promise<AxiosResponse<string>> {
    for (const master of this.#masters.inOrder()) {
      const reply = await this.#follow(master, ask, signal);
      if (reply) return reply;
    }
    throw new MesosUnreachable(this.#what, this.#tried, { cause: this.#cause });
  }

  /** From `master` to where it sends us. Undefined when that ends without an answer. */
  async #follow(
    master: URL,
    ask: Ask,
    signal: AbortSignal,
  ): Promise<AxiosResponse<string> | undefined> {
    let at: URL | undefined = master;
    for (let hop = 0; at && hop < MOST_HOPS; hop++) {
      const reply = await this.#ask(at, ask, signal);
      if (reply && reply.status !== 307 && reply.status < 500) {
        this.#masters.leads(at);
        return reply;
      }
      this.#masters.failed(at);
      at = reply?.status === 307 ? this.#masters.named(at, locationOf(reply)) : undefined;
    }
    return undefined;
  }

  async #ask(at: URL, ask: Ask, signal: AbortSignal): Promise<AxiosResponse<string> | undefined> {
    try {
      const reply = await ask(at);
      this.#tried.push(`${at.host} (${reply.status})`);
      return reply;
    } catch (fault: unknown) {
      signal.throwIfAborted();
      if (isTooLarge(fault)) throw new BadMesosAnswer(this.#what, 'it is larger than allowed');
      this.#tried.push(`${at.host} (${isAxiosError(fault) ? (fault.code ?? 'failed') : 'failed'})`);
      this.#cause = fault;
      return undefined;
    }
  }
}

const isTooLarge = (fault: unknown): boolean =>
  isAxiosError(fault) && fault.message.startsWith('maxContentLength');

function locationOf({ headers }: AxiosResponse): string | undefined {
  const location: unknown = headers['location'];
  return typeof location === 'string' ? location : undefined;
}

const LONGEST_QUOTE = 300;

function answerOf(what: string, { status, data }: AxiosResponse<string>): unknown {
  if (status < 200 || status >= 300)
    throw new MesosRefused(what, status, data.slice(0, LONGEST_QUOTE));
  if (data === '') return undefined;
  try {
    return JSON.parse(data) as unknown;
  } catch {
    throw new BadMesosAnswer(what, 'it is not JSON');
  }
}

function instance(options: MesosOptions): { http: AxiosInstance; close: () => void } {
  const keeping = { keepAlive: true, maxSockets: IN_PARALLEL };
  const plain = new Agent(keeping);
  const tls = new TlsAgent({ ...keeping, ...(options.ca !== undefined && { ca: options.ca }) });
  const http = axios.create({
    adapter: 'http',
    proxy: false,
    maxRedirects: 0,
    httpAgent: plain,
    httpsAgent: tls,
    timeout: options.withinMs,
    maxContentLength: options.mostBytes ?? MOST_BYTES,
    responseType: 'text',
    transformRequest: (body: string) => body,
    transformResponse: (text: unknown) => text,
    validateStatus: () => true,
  });
  const close = () => {
    plain.destroy();
    tls.destroy();
  };
  return { http, close };
}
