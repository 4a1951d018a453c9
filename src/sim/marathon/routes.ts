import { ApiRefusal, badRequest } from '../errors.ts';
import { appHandlers } from './apps.ts';
import type { Handler } from './call.ts';
import { groupHandlers } from './groups.ts';
import { operationHandlers } from './operations.ts';
import { podHandlers } from './pods.ts';
import { taskHandlers } from './tasks.ts';

type Methods = Readonly<Partial<Record<string, Handler>>>;

export interface Route {
  readonly pattern: RegExp;
  readonly methods: Methods;
  /** Refuses bodies of another Content-Type with 415; groups take anything. */
  readonly jsonOnly: boolean;
}

const route = (pattern: RegExp, methods: Methods, jsonOnly = true): Route => ({
  pattern,
  methods,
  jsonOnly,
});

const { versions: groupVersions, version: groupVersion } = groupHandlers;
const groupMethods = {
  GET: groupHandlers.show,
  POST: groupHandlers.create,
  PUT: groupHandlers.update,
  DELETE: groupHandlers.delete,
};

/** Every route, the most specific first. Ids may hold slashes, so `(.+)` takes them. */
const ROUTES: readonly Route[] = [
  route(/^\/v2\/apps$/, {
    GET: appHandlers.list,
    POST: appHandlers.create,
    PUT: appHandlers.putMany,
    PATCH: appHandlers.patchMany,
  }),
  route(/^\/v2\/apps\/(.+)\/restart$/, { POST: appHandlers.restart, DELETE: appHandlers.delete }),
  route(/^\/v2\/apps\/(.+)\/tasks$/, { GET: taskHandlers.ofApp, DELETE: taskHandlers.killAll }),
  route(/^\/v2\/apps\/(.+)\/tasks\/([^/]+)$/, { DELETE: taskHandlers.killOne }),
  route(/^\/v2\/apps\/(.+)\/versions$/, { GET: appHandlers.versions }),
  route(/^\/v2\/apps\/(.+)\/versions\/([^/]+)$/, { GET: appHandlers.version }),
  route(/^\/v2\/apps\/(.+)$/, {
    GET: appHandlers.show,
    PUT: appHandlers.put,
    PATCH: appHandlers.patch,
    DELETE: appHandlers.delete,
  }),
  route(/^\/v2\/groups$/, groupMethods, false),
  route(/^\/v2\/groups\/versions$/, { GET: groupVersions }, false),
  route(/^\/v2\/groups\/versions\/([^/]+)$/, { GET: groupVersion }, false),
  route(/^\/v2\/groups\/(.+)\/versions$/, { GET: groupVersions }, false),
  route(
    /^\/v2\/groups\/(.+)\/versions\/([^/]+)$/,
    { GET: groupVersion, PUT: groupHandlers.update },
    false,
  ),
  route(/^\/v2\/groups\/(.+)$/, { ...groupMethods, PATCH: groupHandlers.patch }, false),
  route(/^\/v2\/pods$/, { GET: podHandlers.list, POST: podHandlers.create }),
  route(/^\/v2\/pods\/::status$/, { GET: podHandlers.statuses }),
  route(/^\/v2\/pods\/(.+)::status$/, { GET: podHandlers.status }),
  route(/^\/v2\/pods\/(.+)::versions$/, { GET: podHandlers.versions }),
  route(/^\/v2\/pods\/(.+)::versions\/([^/]+)$/, { GET: podHandlers.version }),
  route(/^\/v2\/pods\/(.+)::instances$/, { DELETE: podHandlers.killMany }),
  route(/^\/v2\/pods\/(.+)::instances\/([^/]+)$/, { DELETE: podHandlers.killOne }),
  route(/^\/v2\/pods\/(.+)$/, {
    GET: podHandlers.show,
    PUT: podHandlers.put,
    DELETE: podHandlers.delete,
  }),
  route(/^\/v2\/tasks$/, { GET: taskHandlers.list }),
  route(/^\/v2\/tasks\/delete$/, { POST: taskHandlers.killMany }),
  route(/^\/v2\/deployments$/, { GET: operationHandlers.deployments }),
  route(/^\/v2\/deployments\/([^/]+)$/, { DELETE: operationHandlers.cancelDeployment }),
  route(/^\/v2\/queue$/, { GET: operationHandlers.queue }),
  route(/^\/v2\/queue\/(.+)\/delay$/, { DELETE: operationHandlers.resetDelay }),
];

/**
 * The path as the routes see it: matrix parameters, escapes and a trailing slash gone.
 *
 * @throws ApiRefusal 400 for an escape that is none
 */
export const routedPath = (url: string): string => {
  const [raw = '/'] = url.split('?');
  const plain = raw
    .split('/')
    .map((segment) => segment.replace(/;.*$/, ''))
    .join('/');
  try {
    return decodeURIComponent(plain).replace(/(?<=.)\/$/, '');
  } catch {
    throw badRequest(`Illegal path ${raw}`);
  }
};

export interface Found {
  readonly handler: Handler;
  readonly params: readonly string[];
  readonly jsonOnly: boolean;
}

/** @throws ApiRefusal 500 for an unknown path as this version answers, 405 for a method it lacks */
export const findRoute = (method: string, path: string): Found => {
  for (const { pattern, methods, jsonOnly } of ROUTES) {
    const match = pattern.exec(path);
    if (!match) continue;
    const handler = methods[method] ?? (method === 'HEAD' ? methods['GET'] : undefined);
    if (!handler) throw new ApiRefusal(405, { message: 'Method Not Allowed' });
    return { handler, params: match.slice(1), jsonOnly };
  }
  throw new ApiRefusal(500, { message: 'URI not found' });
};
