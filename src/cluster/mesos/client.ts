import { Refusal } from '../../core/errors.ts';
import { MesosUnreachable } from '../errors.ts';
import { answerIn, discard, slicesOf, textOf } from './body.ts';
import { createMasters } from './leader.ts';
import { askLeader, isPassedOn, type Reply } from './search.ts';
import type { SlicedArray } from './slices.ts';
import { createTransport, type Opened, type Request } from './transport.ts';

export interface MesosOptions {
  /** Base URLs of the masters; at least one. */
  readonly masters: readonly string[];
  /** Value of the Authorization header, asked for each call. */
  readonly authorization?: () => string | undefined;
  /** Longest time for one try at one master, ms; of an answer in elements, for more of it to come. */
  readonly withinMs: number;
  /** Largest answer that is read at once, bytes. Default 256 MiB; of an answer in elements 4 MiB each. */
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
   * As call, for answers with a great many elements: those of `arrays` are handed out as they come, and
   * the answer is what is left. Some may have been handed out before a fault.
   *
   * @throws as call
   */
  each(call: MesosCall, arrays: readonly SlicedArray[], signal: AbortSignal): Promise<unknown>;
  /**
   * GET of the older API at the leading master, which can say one thing where v1 says all:
   * `/slaves?slave_id=…`. It has a realm of its own (read-only), usually with the same credentials.
   *
   * @throws as call
   */
  read(target: string, signal: AbortSignal): Promise<unknown>;
  readonly close: () => void;
}

/** Streams that have no end of their own. */
export interface MesosStreams {
  /**
   * As call, for an answer without an end; whoever opened it reads or destroys the body.
   *
   * @throws as call
   */
  stream(call: MesosCall, signal: AbortSignal): Promise<Opened>;
}

const MOST_BYTES = 256 * 1024 * 1024;
const MOST_ELEMENT_BYTES = 4 * 1024 * 1024;

interface Told extends Reply {
  readonly text: string;
}

/** A client that finds the leader by itself. It keeps connections open until `close`. */
export function createMesosClient(options: MesosOptions): MesosClient & MesosStreams {
  const masters = createMasters(options.masters);
  const transport = createTransport(options);
  const most = options.mostBytes ?? MOST_BYTES;
  const mostOfOne = Math.min(most, MOST_ELEMENT_BYTES);
  const whole = async (what: string, request: Request, outer: AbortSignal): Promise<unknown> => {
    const ask = async (master: URL, signal: AbortSignal): Promise<Told> => {
      const opened = await transport.open(master, request, signal);
      const { status, location } = opened;
      return { status, location, text: await textOf(what, opened, most) };
    };
    const { status, text } = await askLeader({ masters, what }, ask, outer);
    return answerIn(what, status, text);
  };
  const open = async (call: MesosCall, endless: boolean, outer: AbortSignal): Promise<Opened> => {
    const what = call.type;
    const ask = async (master: URL, signal: AbortSignal): Promise<Opened> => {
      const opened = await transport.open(master, { target: V1, call, endless }, signal);
      if (isPassedOn(opened.status)) discard(opened);
      return opened;
    };
    const opened = await askLeader({ masters, what }, ask, outer);
    const { status } = opened;
    if (status < 200 || status >= 300)
      await reading(what, outer, async () =>
        answerIn(what, status, await textOf(what, opened, mostOfOne)),
      );
    return opened;
  };
  return {
    call: (call, signal) => whole(call.type, { target: V1, call }, signal),
    each: async (call, arrays, signal) => {
      const opened = await open(call, false, signal);
      return reading(call.type, signal, () => slicesOf(call.type, opened, arrays, mostOfOne));
    },
    stream: (call, signal) => open(call, true, signal),
    read: (target, signal) => whole(`GET ${target}`, { target }, signal),
    close: transport.close,
  };
}

const V1 = '/api/v1';

/** Every fault of a stream has one; a bug in what is handed an element has none. */
const hasCode = (fault: unknown): boolean =>
  fault instanceof Error && 'code' in fault && typeof fault.code === 'string';

/** What the stream of an answer ends with is a fault of the way; there is no second try. */
async function reading<T>(what: string, outer: AbortSignal, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (fault: unknown) {
    outer.throwIfAborted();
    if (!hasCode(fault) || fault instanceof Refusal) throw fault;
    throw new MesosUnreachable(what, ['the leader, whose answer broke off'], { cause: fault });
  }
}
