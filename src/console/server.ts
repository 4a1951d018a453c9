import Router, { type RouterMiddleware } from '@koa/router';
import Koa from 'koa';
import { bySignal } from '../plumbing/deadline.ts';
import { explainFaults } from './answers.ts';
import { readBody } from './body.ts';
import type { ConsoleDeps } from './deps.ts';
import { AnswerLate, BadQuery, NoSuchPath, WrongMethod } from './errors.ts';
import { knownHosts } from './host.ts';
import { measure } from './metrics.ts';
import { ownOrigin } from './origin.ts';
import { openApiOf } from './openapi.ts';
import type { Asked, Route } from './route.ts';
import { nodeRoutes, poolRoutes, promiseRoutes } from './routes/cluster.ts';
import { failureRoutes } from './routes/failures.ts';
import { fenceRoutes } from './routes/fence.ts';
import { limitEditRoutes } from './routes/limit-edits.ts';
import { limitRoutes } from './routes/limits.ts';
import { reportRoutes } from './routes/reports.ts';
import { serviceRoutes } from './routes/service.ts';
import { verdictRoutes } from './routes/verdicts.ts';

/** Everything the console serves. */
export function routesOf(deps: ConsoleDeps): readonly Route[] {
  const api = [
    ...nodeRoutes(deps),
    ...poolRoutes(deps),
    ...promiseRoutes(deps),
    ...fenceRoutes(deps),
    ...limitRoutes(deps),
    ...limitEditRoutes(deps),
    ...failureRoutes(deps),
    ...verdictRoutes(deps),
    ...reportRoutes(deps),
    ...serviceRoutes(deps),
  ];
  const self: Route = {
    method: 'get',
    path: '/openapi.json',
    summary: 'this description',
    answer: () => ({ body: openApiOf([...api, self]) }),
  };
  return [...api, self];
}

/** The JSON API. Who listens, and where, is up to the caller: loopback by default. */
export function createConsole(deps: ConsoleDeps): Koa {
  const router = new Router();
  for (const route of routesOf(deps))
    router.register(route.path, [route.method], serve(route, deps));
  const app = new Koa();
  app.silent = true; // every fault is logged where it is explained
  app.use(measure(deps.registry)); // first, so that it sees the status that is sent
  app.use(explainFaults(deps.log)); // above all that may refuse
  app.use(knownHosts(deps.names)); // before anything is read on behalf of a stranger's page
  app.use(ownOrigin()); // and before anything is changed for one
  app.use(router.routes());
  app.use(function nothingHere(ctx) {
    const layers = router.match(ctx.path, ctx.method).path;
    const allowed = [...new Set(layers.flatMap(({ methods }) => methods))].sort();
    if (allowed.length === 0) throw new NoSuchPath(ctx.path);
    throw new WrongMethod(ctx.method, ctx.path, allowed);
  });
  return app;
}

/** One route behind its deadline and its query's schema. */
function serve(route: Route, { maxBodyBytes, withinMs }: ConsoleDeps): RouterMiddleware {
  return async function answer(ctx) {
    const query = checkedQuery(route, ctx.query);
    const left = new AbortController();
    ctx.res.once('close', () => left.abort(new AnswerLate(withinMs)));
    const late = setTimeout(() => left.abort(new AnswerLate(withinMs)), withinMs);
    const { signal } = left;
    const asked: Asked = {
      params: ctx.params,
      query,
      body: () => readBody(ctx.req, maxBodyBytes, signal),
      from: ctx.req.socket.remoteAddress ?? 'somebody who has left',
      signal,
    };
    try {
      const { status = 200, type, body } = await bySignal(signal, async () => route.answer(asked));
      ctx.status = status;
      if (type !== undefined) ctx.type = type;
      ctx.body = body;
    } finally {
      clearTimeout(late);
    }
  };
}

function checkedQuery({ query }: Route, raw: object): Asked['query'] {
  if (query === undefined) return {};
  const outcome = query.validate(raw, { abortEarly: false, errors: { wrap: { label: false } } });
  if (outcome.error) throw new BadQuery(outcome.error.details.map(({ message }) => message));
  return outcome.value as Asked['query'];
}
