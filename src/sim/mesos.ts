import type { IncomingMessage } from 'node:http';
import Koa, { type Context, type Middleware } from 'koa';
import { type JsonObject, objectOf, textOf } from './json.ts';
import { isSwitch, principalOf, switchAgent } from './mesos/operator.ts';
import { subscribe } from './mesos/stream.ts';
import { flagsOf } from './mesos/traits.ts';
import { frameworks, slaves, state, summary, taskList } from './mesos/v0.ts';
import { getAgents, getFrameworks, getMaster, getState, getTasks } from './mesos/v1.ts';
import type { World } from './world.ts';

export interface MesosApiOptions {
  readonly world: World;
  /** host:port of this master, known once it listens. */
  readonly self: () => string;
  /** host:port of the leading master; undefined while there is none. */
  readonly leader: () => string | undefined;
  /** Event streams that are open; called to end them when leadership is lost. */
  readonly streams: Set<() => void>;
}

/** What the master answers, before it is written as HTTP. */
export type Answer =
  | { readonly status: number; readonly text: string; readonly location?: string }
  | { readonly json: JsonObject }
  | 'streaming'
  | 'cut';

const plain = (status: number, text: string): Answer => ({ status, text });

const apply = (context: Context, answer: Answer): void => {
  if (answer === 'streaming') {
    context.respond = false;
  } else if (answer === 'cut') {
    context.respond = false;
    context.res.destroy();
  } else if ('json' in answer) {
    context.type = 'application/json';
    context.body = JSON.stringify(answer.json);
  } else {
    context.status = answer.status;
    context.body = answer.text;
    if (answer.location !== undefined) context.set('Location', answer.location);
    if (answer.text === '') context.remove('Content-Type');
  }
};

/** A read of the v0 API, `/slaves?slave_id=S1`, as the leading master answers it. */
export const answerRead = (world: World, target: string, leader: string): Answer => {
  const { pathname, searchParams } = new URL(target, 'http://master.example.org');
  const read = reads(world, leader, searchParams)[pathOf(pathname)];
  return read ? { json: read() } : plain(404, '');
};

/** `/master/state` and `/state.json` are old names of `/state`. */
const pathOf = (path: string): string => path.replace(/^\/master(?=\/)/, '').replace(/\.json$/, '');

const reads = (
  world: World,
  leader: string,
  query: URLSearchParams,
): Readonly<Record<string, () => JsonObject>> => ({
  '/state': () => state(world, leader),
  '/slaves': () => slaves(world, query.get('slave_id')),
  '/tasks': () => taskList(world, query),
  '/frameworks': () => frameworks(world),
  '/state-summary': () => summary(world),
  '/version': () => ({ version: world.master.traits.version }),
});

const CALLS: Readonly<Record<string, (world: World, leader: string) => JsonObject>> = {
  GET_AGENTS: getAgents,
  GET_STATE: getState,
  GET_TASKS: getTasks,
  GET_FRAMEWORKS: getFrameworks,
  GET_MASTER: getMaster,
  GET_HEALTH: () => ({ healthy: true }),
  GET_VERSION: ({ master }) => ({ version_info: { version: master.traits.version } }),
  GET_FLAGS: ({ master }) => ({ flags: flagsOf(master.traits) }),
};

const MAX_CALL = 2 ** 20;

const bodyOf = async (from: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of from as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= MAX_CALL) parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};

const parsed = (text: string): JsonObject | undefined => {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
};

/** What the request must look like, to the letter; undefined when it does. */
const refused = ({ method, headers }: Context): Answer | undefined => {
  const type = headers['content-type'];
  if (method !== 'POST') return plain(405, `Expecting one of { 'POST' }, but received '${method}'`);
  if (type === undefined) return plain(400, "Expecting 'Content-Type' to be present");
  return type === 'application/json'
    ? undefined
    : plain(415, "Expecting 'Content-Type' of application/json or application/x-protobuf");
};

/** Who leads, host:port, and who asks, if anybody was asked. */
interface Asked {
  readonly leader: string;
  readonly principal?: string | undefined;
}

const operator = async (
  context: Context,
  { world, streams }: MesosApiOptions,
  { leader, principal }: Asked,
): Promise<Answer> => {
  const wrong = refused(context);
  if (wrong) return wrong;
  const call = parsed(await bodyOf(context.req));
  const type = textOf(call?.['type']);
  if (!call || type === '') return plain(400, 'Failed to parse body into JSON: expected a call');
  if (type === 'SUBSCRIBE') {
    const end = subscribe(world, context.res);
    streams.add(end);
    context.res.once('close', () => streams.delete(end));
    return 'streaming';
  }
  return answerCall(world, call, leader, principal);
};

/** A call of the v1 operator API, SUBSCRIBE apart, as the leading master answers it. */
export const answerCall = (
  world: World,
  call: JsonObject,
  leader: string,
  principal?: string,
): Answer => {
  const type = textOf(call['type']);
  if (isSwitch(world, type))
    return switchAgent({ world, type, body: objectOf(call[type.toLowerCase()]), principal });
  const answer = CALLS[type];
  return answer
    ? { json: { type, [type.toLowerCase()]: answer(world, leader) } }
    : plain(400, `Failed to validate master::Call: unknown type '${type}'`);
};

const answered = async (context: Context, options: MesosApiOptions): Promise<Answer> => {
  const leader = options.leader();
  const path = pathOf(context.path);
  if (path === '/health') return plain(200, '');
  if (leader === undefined) return plain(503, 'No leader elected');
  if (path === '/redirect' || leader !== options.self()) {
    const onward = path === '/redirect' ? '' : context.url;
    return { status: 307, text: '', location: `//${leader}${onward}` };
  }
  const principal = principalOf(options.world, context.headers.authorization);
  if (typeof principal === 'object') return plain(401, '');
  if (path === '/api/v1') return operator(context, options, { leader, principal });
  return answerRead(options.world, context.url, leader);
};

const serve =
  (options: MesosApiOptions): Middleware =>
  async (context) =>
    apply(context, await answered(context, options));

/** The master's HTTP API over a world. */
export const createMesosApi = (options: MesosApiOptions): Koa => {
  const app = new Koa();
  app.silent = true;
  app.use(serve(options));
  return app;
};
