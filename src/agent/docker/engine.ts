import { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import type Joi from 'joi';
import { BadDockerAnswer, DockerRefused, DockerUnreachable } from '../errors.ts';
import {
  containerOf,
  type EngineContainer,
  type EngineNetwork,
  networkOf,
  type NetworkSpec,
  specWritten,
  type Summary,
  summaryOf,
} from './engine-translate.ts';
import { read, wire } from './engine-wire.ts';

export interface EngineOptions {
  /** Docker's own unix socket. */
  readonly socket: string;
  /** Longest wait for one answer, ms; default 10,000. */
  readonly withinMs?: number;
  /** The same for one container's details, which Docker withholds while it starts; default 2,000. */
  readonly detailsWithinMs?: number;
  /** Most questions at the same time; default 8. */
  readonly atOnce?: number;
}

/** What is known of the daemon. */
export interface EngineInfo {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly apiVersion: string;
  readonly kernel: string;
  readonly liveRestore: boolean;
}

/**
 * Docker's API, in our words. Every call ends in its time: throws DockerUnreachable when there was no
 * answer, DockerRefused, BadDockerAnswer, or the signal's reason.
 */
export interface Engine {
  info(signal: AbortSignal): Promise<EngineInfo>;
  /** All networks; Docker names their containers only in `network`. */
  networks(signal: AbortSignal): Promise<readonly EngineNetwork[]>;
  /** By id or name, with its endpoints; undefined when there is none. Not held up by a start. */
  network(id: string, signal: AbortSignal): Promise<EngineNetwork | undefined>;
  /** Not held up by a start; a container that is being started still has no address here. */
  containers(which: 'all' | 'running', signal: AbortSignal): Promise<readonly Summary[]>;
  /** Those that were made and never started, the newest first, so many at most. */
  unstarted(most: number, signal: AbortSignal): Promise<readonly Summary[]>;
  /** BLOCKS while Docker starts the container, hence its own bound. Undefined when there is none. */
  container(id: string, signal: AbortSignal): Promise<EngineContainer | undefined>;
  /** @returns the new network's id */
  createNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<string>;
  removeNetwork(id: string, signal: AbortSignal): Promise<void>;
  /** The raw stream of events; docker/events.ts reads and renews it. */
  eventStream(signal: AbortSignal): Promise<Readable>;
  close(): void;
}

/** Largest answer that is read, bytes: ten thousand containers with long labels. */
const MOST_BYTES = 64 << 20;
const FILTERS = encodeURIComponent(JSON.stringify({ type: ['container', 'network'] }));

const UNSTARTED = encodeURIComponent(JSON.stringify({ status: ['created'] }));

interface Ask<T> {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Without a version: each daemon's own newest, for old ones know no new one, nor new ones old. */
  readonly path: string;
  readonly body?: object;
  readonly schema: Joi.Schema<T>;
  readonly withinMs?: number;
}

/** A client of one daemon. It keeps connections open until `close`. */
export function openEngine(options: EngineOptions): Engine {
  const calls = new Calls(options);
  const { detailsWithinMs = 2_000 } = options;
  return {
    info: (signal) => infoOf(calls, signal),
    networks: async (signal) =>
      (await calls.ask({ path: '/networks', schema: wire.networks }, signal)).map(networkOf),
    network: async (id, signal) => {
      const path = `/networks/${encodeURIComponent(id)}`;
      const found = await orNone(calls.ask({ path, schema: wire.network }, signal));
      return found && networkOf(found);
    },
    containers: async (which, signal) => {
      const path = `/containers/json?all=${which === 'all' ? '1' : '0'}`;
      return (await calls.ask({ path, schema: wire.summaries }, signal)).map(summaryOf);
    },
    unstarted: async (most, signal) => {
      const path = `/containers/json?all=1&limit=${most}&filters=${UNSTARTED}`;
      return (await calls.ask({ path, schema: wire.summaries }, signal)).map(summaryOf);
    },
    container: async (id, signal) => {
      const path = `/containers/${encodeURIComponent(id)}/json`;
      const ask = { path, schema: wire.container, withinMs: detailsWithinMs };
      const found = await orNone(calls.ask(ask, signal));
      return found && containerOf(found);
    },
    createNetwork: async (spec, signal) => {
      const ask = { method: 'POST', path: '/networks/create', body: specWritten(spec) } as const;
      return (await calls.ask({ ...ask, schema: wire.created }, signal)).Id;
    },
    removeNetwork: (id, signal) => calls.drop(`/networks/${encodeURIComponent(id)}`, signal),
    eventStream: (signal) => calls.stream(`/events?filters=${FILTERS}`, signal),
    close: () => calls.close(),
  };
}

async function infoOf(calls: Calls, signal: AbortSignal): Promise<EngineInfo> {
  const [version, info] = await Promise.all([
    calls.ask({ path: '/version', schema: wire.version }, signal),
    calls.ask({ path: '/info', schema: wire.info }, signal),
  ]);
  return {
    ...{ id: info.ID, name: info.Name, liveRestore: info.LiveRestoreEnabled },
    ...{ version: version.Version, apiVersion: version.ApiVersion },
    kernel: version.KernelVersion ?? '',
  };
}

async function orNone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (fault) {
    if (fault instanceof DockerRefused && fault.status === 404) return undefined;
    throw fault;
  }
}

class Calls {
  readonly #socket: string;
  readonly #withinMs: number;
  readonly #agent: Agent;
  readonly #http: AxiosInstance;

  constructor({ socket, withinMs = 10_000, atOnce = 8 }: EngineOptions) {
    this.#socket = socket;
    this.#agent = new Agent({ keepAlive: true, maxSockets: atOnce });
    this.#withinMs = withinMs;
    this.#http = axios.create({
      ...{ adapter: 'http', baseURL: 'http://docker', socketPath: socket },
      ...{ proxy: false, maxRedirects: 0, validateStatus: () => true },
      ...{ maxContentLength: MOST_BYTES, maxBodyLength: MOST_BYTES },
    });
  }

  async ask<T>({ schema, ...call }: Ask<T>, signal: AbortSignal): Promise<T> {
    const { method = 'GET', path } = call;
    const what = `${method} ${path}`;
    const answer = await this.#send({ ...call, method }, signal);
    return read(schema, parsed(answer.data, what), what);
  }

  async drop(path: string, signal: AbortSignal): Promise<void> {
    await this.#send({ method: 'DELETE', path }, signal);
  }

  /** Bounded until the headers are there; the stream itself stays open as long as the signal lets it. */
  async stream(path: string, signal: AbortSignal): Promise<Readable> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#withinMs);
    try {
      const { status, data } = await this.#http.get<Readable>(path, {
        responseType: 'stream',
        maxContentLength: -1,
        signal: AbortSignal.any([signal, late.signal]),
      });
      if (status === 200) return data;
      data.destroy();
      throw new DockerRefused(`GET ${path}`, status, 'no stream of events');
    } catch (cause) {
      throw this.#named(`GET ${path}`, cause, signal);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(
    { method = 'GET', path, body, withinMs = this.#withinMs }: Omit<Ask<never>, 'schema'>,
    signal: AbortSignal,
  ): Promise<AxiosResponse<string>> {
    const what = `${method} ${path}`;
    let answer: AxiosResponse<string>;
    try {
      answer = await this.#http.request<string>({
        ...{ method, url: path, httpAgent: this.#agent, responseType: 'text' },
        ...(body && {
          data: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }),
        transformResponse: (text: unknown) => text,
        signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]),
      });
    } catch (cause) {
      throw this.#named(what, cause, signal);
    }
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw new DockerRefused(what, answer.status, saidIn(answer.data));
  }

  #named(what: string, cause: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    return cause instanceof DockerRefused
      ? cause
      : new DockerUnreachable(what, this.#socket, { cause });
  }
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadDockerAnswer(what, 'it is no JSON');
  }
}

/** Docker's `{"message"}`, or the beginning of whatever else it is. */
function saidIn(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === 'string') return message.trim();
  } catch {
    // not JSON: quoted as it is
  }
  return body.slice(0, 200);
}
