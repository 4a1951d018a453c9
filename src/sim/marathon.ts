import type { IncomingMessage } from 'node:http';
import Koa, { type Context, type Middleware } from 'koa';
import { ApiRefusal } from './errors.ts';
import type { Reply } from './marathon/call.ts';
import { infoReply } from './marathon/operations.ts';
import { findRoute, routedPath } from './marathon/routes.ts';
import { forwardToLeader } from './marathon/standby.ts';
import { streamEvents } from './marathon/stream.ts';
import type { World } from './world.ts';

export interface MarathonApiOptions {
  readonly world: World;
  /** host:port of this process, known once it listens. */
  readonly self: () => string;
  /** host:port of the leader; undefined while there is none. */
  readonly leader: () => string | undefined;
  /** Gives leadership up. */
  readonly abdicate: () => void;
  /** Longest body taken, bytes. */
  readonly maxBody?: number;
  /** Event streams that are open; called to end them when leadership is lost. */
  readonly streams: Set<() => void>;
}

const bodyOf = async (from: IncomingMessage, limit: number): Promise<Buffer> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of from as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > limit) throw new ApiRefusal(413, { message: 'Request Entity Too Large' });
    parts.push(part);
  }
  return Buffer.concat(parts);
};

const answer = (context: Context, { status, body, headers = {} }: Reply): void => {
  context.status = status;
  context.set(headers);
  context.set('Cache-Control', 'no-cache, no-store, must-revalidate');
  if (body === undefined) context.body = status === 204 ? null : '';
  else {
    context.body = JSON.stringify(body);
    context.type = 'application/json';
  }
  if (body === undefined) context.remove('Content-Type');
};

/** Everything thrown becomes an answer in Marathon's shape. */
const explain: Middleware = async (context, next) => {
  try {
    await next();
  } catch (fault) {
    if (fault instanceof ApiRefusal) answer(context, fault);
    else
      answer(context, {
        status: 500,
        body: { message: fault instanceof Error ? fault.message : null },
      });
  }
};

/** A process that does not lead hands everything to the one that does. */
const lead =
  ({ self, leader }: MarathonApiOptions): Middleware =>
  async (context, next) => {
    const leading = leader();
    if (leading === self()) {
      context.set('X-Marathon-Leader', `http://${leading}`);
      await next();
      return;
    }
    context.respond = false;
    if (leading === undefined)
      context.res.writeHead(502, { 'Content-Type': 'text/html' }).end('<html>no leader</html>');
    else forwardToLeader(context.req, context.res, self(), leading);
  };

const small =
  (options: MarathonApiOptions): Middleware =>
  async (context, next) => {
    const { world, self, abdicate } = options;
    const path = routedPath(context.req.url ?? '/');
    if (path === '/ping') {
      const json = context.accepts('text', 'json') === 'json';
      context.type = json ? 'application/json' : 'text/plain';
      context.body = json ? '"pong"' : 'pong';
    } else if (path === '/v2/info')
      answer(context, { status: 200, body: infoReply(world, self(), true) });
    else if (path !== '/v2/leader') await next();
    else if (context.method === 'DELETE') {
      answer(context, { status: 200, body: { message: 'Leadership abdicated' } });
      context.res.once('finish', abdicate);
    } else answer(context, { status: 200, body: { leader: self() } });
  };

const events =
  ({ world, streams }: MarathonApiOptions): Middleware =>
  async (context, next) => {
    if (routedPath(context.req.url ?? '/') !== '/v2/events') {
      await next();
      return;
    }
    if (context.method !== 'GET' || !(context.headers.accept ?? '').includes('text/event-stream'))
      throw new ApiRefusal(405, { message: 'Method Not Allowed' });
    context.respond = false;
    const types = context.URL.searchParams.getAll('event_type');
    const end = streamEvents(world, context.res, types, context.ip);
    streams.add(end);
    context.res.once('close', () => streams.delete(end));
  };

const refuseType = (context: Context): void => {
  const type = context.headers['content-type'];
  const plain = type?.split(';')[0]?.trim().toLowerCase();
  if (
    plain !== undefined &&
    plain !== '' &&
    plain !== 'application/json' &&
    plain !== '*/*' &&
    plain !== 'application/*'
  )
    throw new ApiRefusal(415, { message: 'Unsupported Media Type' });
};

const HAS_BODY = new Set(['POST', 'PUT', 'PATCH']);

const serve =
  ({ world, maxBody = 64 * 2 ** 20 }: MarathonApiOptions): Middleware =>
  async (context) => {
    const url = context.req.url ?? '/';
    const { method } = context;
    const { handler, params, jsonOnly } = findRoute(method, routedPath(url));
    if (jsonOnly && HAS_BODY.has(method)) refuseType(context);
    const body = await bodyOf(context.req, maxBody);
    const query = new URLSearchParams(url.split('?')[1] ?? '');
    answer(context, handler({ world, method, params, url, query, body, clientIp: context.ip }));
  };

/** Marathon's API over a world, top to bottom. */
export const createMarathonApi = (options: MarathonApiOptions): Koa => {
  const app = new Koa();
  app.silent = true;
  app.use(explain); // first, so that every refusal below becomes an answer
  app.use(lead(options)); // before anything is answered: only the leader knows
  app.use(small(options)); // ping, info, leader
  app.use(events(options)); // streams never end, so they leave the chain here
  app.use(serve(options)); // all the rest
  return app;
};
