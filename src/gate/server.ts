import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import Koa from 'koa';
import { recognise } from '../cluster/marathon/routes.ts';
import type { JudgedRoute } from '../cluster/marathon/route.ts';
import { Refusal } from '../core/errors.ts';
import type { Log } from '../plumbing/log.ts';
import { explain } from './answers.ts';
import { type BodyBounds, checkHead, type HeadBounds, type Permits, readBody } from './bounds.ts';
import { CannotJudge, ClientLeft, CodingUnknown, Forbidden } from './errors.ts';
import { guard, type ServerBounds, serverOptions } from './forward-server.ts';
import type { Forwarder } from './forward.ts';
import type { Judge, Ruling } from './judge.ts';

export interface GateDeps {
  readonly forwarder: Forwarder;
  readonly judge: Judge;
  readonly permits: Permits;
  readonly log: Log;
  readonly bounds: HeadBounds & BodyBounds;
  /** Whether requests to Marathon's plugins that are no reads are passed on unjudged. */
  readonly plugins: 'pass' | 'refuse';
}

/** What the steps hand on to those below them. */
interface GateState {
  route?: JudgedRoute;
  body?: Buffer;
  ruling?: Ruling;
}
type Step = Koa.Middleware<GateState>;

/** Answers one request; what it throws, or rejects with, is a bug. */
export type Handle = (req: IncomingMessage, res: ServerResponse) => Promise<void> | undefined;

/** Reads go straight to Marathon: nothing is judged there, so no context of the chain is made for them. */
export function createGate(deps: GateDeps): Handle {
  const judge = chainOf(deps).callback();
  const read = readingOf(deps);
  return (req, res) => (READS.has(req.method ?? '') ? read(req, res) : judge(req, res));
}

/** The whole life of any other request, top to bottom. A step may rely only on the lines above it. */
function chainOf(deps: GateDeps): Koa<GateState> {
  const app = new Koa<GateState>();
  app.use(explainRefusals(deps)); // first, so that it sees every refusal below
  app.use(recogniseChange(deps)); // all that cannot start tasks goes straight to Marathon
  app.use(takePermit(deps)); // before the body, so that a flood of changes costs no memory
  app.use(keepBody(deps)); // bounded; the exact bytes are kept for forwarding
  app.use(judgeChange(deps)); // the promise is in the ledger before Marathon can act on it
  app.use(forwardJudged(deps)); // gives the promise back when Marathon says no
  app.on('error', (fault: unknown) => deps.log.error('a request failed', { fault: String(fault) }));
  return app;
}

function readingOf({ bounds, forwarder, log }: GateDeps): Handle {
  return (req, res) => {
    try {
      checkHead(req, bounds);
    } catch (fault) {
      refused(fault, { req, res, log });
      return undefined;
    }
    forwarder.stream(req, res);
    return undefined;
  };
}

/** The HTTP server that the chain runs in, with its bounds on what is no request yet. */
export function createGateServer(handle: Handle, bounds: ServerBounds): Server {
  const server = createServer(
    serverOptions(bounds),
    (req: IncomingMessage, res: ServerResponse) => {
      void handle(req, res);
    },
  );
  guard(server, bounds);
  return server;
}

function explainRefusals({ log }: GateDeps): Step {
  return async function explainRefusals(ctx, next) {
    try {
      await next();
    } catch (fault) {
      if (fault instanceof Refusal) ctx.respond = false;
      refused(fault, { req: ctx.req, res: ctx.res, log });
    }
  };
}

interface Asked {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly log: Log;
}

/** Answers a refusal; whatever else escaped is a bug and stays loud. */
function refused(fault: unknown, { req, res, log }: Asked): void {
  if (!(fault instanceof Refusal)) throw fault;
  explain(res, fault);
  const [path] = (req.url ?? '').split('?');
  log.info('refused', { code: fault.code, message: fault.message, path });
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

function recogniseChange({ forwarder, bounds, plugins }: GateDeps): Step {
  return async function recogniseChange(ctx, next) {
    checkHead(ctx.req, bounds);
    const target = ctx.req.url ?? '/';
    const route = recognise(ctx.method, target);
    if (route.kind === 'pass') {
      passOn(forwarder, ctx);
      return;
    }
    if (route.kind !== 'forbidden') {
      ctx.state.route = route;
      await next();
      return;
    }
    if (route.what !== 'plugin' || plugins !== 'pass')
      throw new Forbidden(route.message, route.remedy);
    passOn(forwarder, ctx);
  };
}

function passOn(forwarder: Forwarder, ctx: Koa.Context): void {
  ctx.respond = false;
  forwarder.stream(ctx.req, ctx.res);
}

function takePermit({ permits }: GateDeps): Step {
  return async function takePermit(_ctx, next) {
    const giveBack = permits.take();
    try {
      await next();
    } finally {
      giveBack();
    }
  };
}

function keepBody({ bounds }: GateDeps): Step {
  return async function keepBody(ctx, next) {
    const coding = ctx.get('Content-Encoding');
    if (coding !== '' && coding.toLowerCase() !== 'identity') throw new CodingUnknown(coding);
    ctx.state.body = await readBody(ctx.req, bounds);
    await next();
  };
}

function judgeChange({ judge }: GateDeps): Step {
  return async function judgeChange(ctx, next) {
    const { route, body } = ctx.state;
    if (!route || !body) throw new TypeError('judged before it was read');
    const ruling = await judge.judge({ route, body });
    ctx.state.ruling = ruling;
    if (ctx.res.destroyed) {
      await ruling.settle({
        outcome: 'refused-before-sending',
        fault: new ClientLeft('while its change was judged'),
      });
      return;
    }
    if (ruling.isLate()) {
      const fault = new CannotJudge('its promise is too old to be acted on', {
        remedy: 'try again',
      });
      await ruling.settle({ outcome: 'refused-before-sending', fault });
      throw fault;
    }
    await next();
  };
}

function forwardJudged({ forwarder }: GateDeps): Step {
  return async function forwardJudged(ctx) {
    const { ruling } = ctx.state;
    if (!ruling) throw new TypeError('forwarded before it was judged');
    ctx.respond = false;
    const { target, body, added, settle } = ruling;
    const result = await forwarder.send(ctx.req, ctx.res, {
      target,
      body,
      added,
      onAnswer: settle,
    });
    if (result.outcome !== 'answered') await settle(result);
  };
}
