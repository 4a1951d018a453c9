import { MesosRefused, MesosUnreachable } from '../../../src/cluster/errors.ts';
import type { MesosCall, MesosClient } from '../../../src/cluster/mesos/client.ts';
import { createSlicer } from '../../../src/cluster/mesos/slices.ts';
import type { Json } from '../../../src/cluster/marathon/json.ts';
import type { Transport } from '../../../src/cluster/marathon/transport.ts';
import { ApiRefusal } from '../../../src/sim/errors.ts';
import { infoReply } from '../../../src/sim/marathon/operations.ts';
import { findRoute, routedPath } from '../../../src/sim/marathon/routes.ts';
import { type Answer as MesosAnswer, answerCall, answerRead } from '../../../src/sim/mesos.ts';
import type { World as SimWorld } from '../../../src/sim/world.ts';
import type { Life, World } from '../../fakes/simulated-world.ts';

/** The pretend Marathon's answer, without HTTP. */
export interface Answer {
  readonly status: number;
  readonly body: Json | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Request {
  readonly method: string;
  readonly target: string;
  readonly body?: Buffer;
}

const LEADER = 'marathon.example.org:8080';
const CLIENT = '198.18.1.1';

/** What Marathon does with a request, at once. */
export function askMarathon(sim: SimWorld, { method, target, body }: Request): Answer {
  try {
    const path = routedPath(target);
    if (path === '/v2/info')
      return { status: 200, body: plain(infoReply(sim, LEADER, true)), headers: {} };
    const { handler, params } = findRoute(method, path);
    const query = new URLSearchParams(target.split('?')[1] ?? '');
    const call = { world: sim, method, params, url: target, query, clientIp: CLIENT };
    const reply = handler({ ...call, body: body ?? Buffer.alloc(0) });
    return { status: reply.status, body: plain(reply.body), headers: reply.headers ?? {} };
  } catch (fault) {
    if (!(fault instanceof ApiRefusal)) throw fault;
    return { status: fault.status, body: plain(fault.body), headers: {} };
  }
}

const plain = (body: unknown): Json | undefined =>
  body === undefined ? undefined : (JSON.parse(JSON.stringify(body)) as Json);

/** Longest that a request or an answer is on its way, ms. */
const LONGEST_WAY_MS = 40;

/** There and back on a world: what a process that ended was still to hear never comes. */
export function wire(world: World, life: Pick<Life, 'name' | 'over'>) {
  const way = (): Promise<void> =>
    new Promise((resolve) => {
      world.after(world.latency(LONGEST_WAY_MS), '', () => {
        if (!life.over) resolve();
      });
    });
  return async <T>(work: () => T): Promise<T> => {
    await way();
    const done = work();
    await way();
    return done;
  };
}
export type Wire = ReturnType<typeof wire>;

export const marathonTransport = (sim: SimWorld, over: Wire): Transport => ({
  send: async ({ method, path, body }, signal) => {
    signal.throwIfAborted();
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const {
      status,
      body: said,
      headers,
    } = await over(() => askMarathon(sim, { method, target: path, ...(bytes && { body: bytes }) }));
    const deployment = headers['Marathon-Deployment-Id'];
    return { status, body: said, ...(deployment !== undefined && { deployment }) };
  },
  close: () => undefined,
});

const MASTER = 'mesos.example.org:5050';
const MOST_BYTES = 1 << 24;

/** A master that always leads, without HTTP. `heard` is told of each call before it is answered. */
export function mesosInside(
  sim: SimWorld,
  over: Wire,
  heard: (call: MesosCall) => void,
): MesosClient {
  const asked = (
    what: string,
    signal: AbortSignal,
    answer: () => MesosAnswer,
  ): Promise<unknown> => {
    signal.throwIfAborted();
    return over(() => said(what, answer()));
  };
  const ask: MesosClient['call'] = (call, signal) =>
    asked(call.type, signal, () => {
      heard(call);
      return answerCall(sim, call, MASTER);
    });
  return {
    call: ask,
    each: async (call, arrays, signal) => {
      const slicer = createSlicer(arrays, MOST_BYTES);
      slicer.push(Buffer.from(JSON.stringify(await ask(call, signal))));
      return slicer.end();
    },
    read: (target, signal) => asked(`GET ${target}`, signal, () => answerRead(sim, target, MASTER)),
    close: () => undefined,
  };
}

/** As cluster/mesos/client.ts reads an answer. @throws MesosRefused */
function said(what: string, answer: MesosAnswer): unknown {
  if (answer === 'streaming') throw new TypeError('a stream is no answer');
  if (answer === 'cut') throw new MesosUnreachable(what, [MASTER]);
  if ('json' in answer) return answer.json;
  if (answer.status >= 300) throw new MesosRefused(what, answer.status, answer.text);
  return answer.text === '' ? undefined : answer.text;
}
