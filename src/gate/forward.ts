import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Refusal } from '../core/errors.ts';
import type { Log } from '../plumbing/log.ts';
import { explain as explainInShape } from './answers.ts';
import { BadHead, ClientLeft, UpgradeRefused } from './errors.ts';
import { type Body, gathered, hasBody, piped } from './forward-buffered.ts';
import { type Answer, Judged, Streamed } from './forward-delivery.ts';
import { Exchange } from './forward-exchange.ts';
import type { Ended, Shared } from './forward-outgoing.ts';
import { createTurn, type Turn } from './forward-turn.ts';
import { type FlatHeaders, requestHeaders } from './headers.ts';
import { refusedUpgrade } from './upgrade.ts';
import { type Endpoints, createUpstreams } from './upstream.ts';

export interface ForwarderOptions {
  readonly endpoints: Endpoints;
  /** Most connections to one endpoint, event streams apart. */
  readonly connections: number;
  /** Longest time from a request to the head of its answer, ms. */
  readonly headersWithinMs: number;
  readonly log: Log;
  /** URL clients reach the gate by, for Location headers; absent: Location becomes a path. */
  readonly publicBase?: string;
  /** Longest time to connect to one endpoint, ms; default 2000. */
  readonly connectWithinMs?: number;
  /** Most event streams open at once; default 256. */
  readonly eventConnections?: number;
  /** Most requests that may wait for a connection; default 1024. */
  readonly waiting?: number;
  /** Whether X-Forwarded-* of clients are believed; default no: they are replaced. */
  readonly trustForwarded?: boolean;
  /** Whether X-Marathon-Leader and endpoint names in refusals are withheld; default no. */
  readonly hideUpstream?: boolean;
  /** Certificates to trust for https endpoints, PEM; default the system's. */
  readonly ca?: string;
  /** How a refusal is answered; default as everywhere in the gate: in Marathon's shape. */
  readonly explain?: (res: ServerResponse, fault: Refusal) => void;
}

/**
 * answered: Marathon's answer went to the client (`complete` false: it broke off after its head, and
 * the client's transfer with it). refused-before-sending: Marathon has not seen the request.
 * unknown: it was sent, nothing came back, and Marathon may have acted. In the last two cases the client
 * has been told why.
 */
export type ForwardResult =
  | {
      readonly outcome: 'answered';
      readonly status: number;
      /** As the client got them: name, value, name, value. */
      readonly headers: FlatHeaders;
      /** `send` only: the first MiB of the answer, as it came (it may be gzip). */
      readonly body?: Buffer;
      readonly complete: boolean;
    }
  | { readonly outcome: 'refused-before-sending'; readonly fault: Refusal }
  | { readonly outcome: 'unknown'; readonly fault: Refusal };

/** A request whose body was read and judged. */
export interface JudgedRequest {
  /** Path and query exactly as Marathon shall see them. */
  readonly target: string;
  /** What was judged is what is sent, with a Content-Length. */
  readonly body: Buffer;
  /** Headers to add to the answer: name, value, name, value. */
  readonly added?: FlatHeaders;
  /**
   * Runs when the whole answer of Marathon is here and before its last byte goes to the client, and is
   * waited for: a client that has read a refusal and asks again must find the promise of its first
   * try given back. It must have a deadline of its own. A fault in it is logged; the answer is
   * Marathon's all the same. Also runs when the client has left, or the answer broke off.
   */
  readonly onAnswer?: (result: ForwardResult) => Promise<void>;
}

export type Done = (result: ForwardResult) => void;

export interface Forwarder {
  /**
   * Passes any request on as it is; tells `done` when the exchange is over. Every read goes this way, and
   * hardly anybody asks how it ended: so no promise is made for each.
   */
  stream(req: IncomingMessage, res: ServerResponse, done?: Done): void;
  /** Sends a judged request once and once only. Never rejects. */
  send(req: IncomingMessage, res: ServerResponse, judged: JudgedRequest): Promise<ForwardResult>;
  /** Ends every connection to Marathon. */
  close(): Promise<void>;
}

/** Copy of a judged answer, bytes. */
const COPY = 1024 * 1024;
/** Chunked bodies up to this size are sent with a length, bytes. */
const GATHERED = 1024 * 1024;

/** The data path of the gate: hands requests to Marathon over a pool of connections. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const { connectWithinMs = 2000, eventConnections = 256, waiting = 1024 } = options;
  const upstreams = createUpstreams({ ...options, connectWithinMs, eventConnections, waiting });
  const { trustForwarded = false, hideUpstream = false, explain = explainInShape } = options;
  const context: Context = {
    shared: { ...options, upstreams, hideUpstream },
    trustForwarded,
    explain,
    turn: createTurn(),
  };
  return {
    stream: (req, res, done) => stream(context, { req, res, target: req.url ?? '' }, done),
    send: (req, res, judged) => send(context, { req, res, target: judged.target }, judged),
    close: () => upstreams.close(),
  };
}

interface Context {
  readonly shared: Shared;
  readonly trustForwarded: boolean;
  readonly explain: (res: ServerResponse, fault: Refusal) => void;
  readonly turn: Turn;
}

interface Asked {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly target: string;
}

function stream(context: Context, asked: Asked, done?: Done): void {
  const { req } = asked;
  const fault = unfit(asked);
  if (fault) done?.(refused(context, asked, fault));
  else if (!hasBody(req)) streamed(context, asked, { body: null, done });
  else if (req.headers['transfer-encoding'] === undefined)
    streamed(context, asked, { body: piped(req), done });
  else void streamGathered(context, asked, done);
}

async function streamGathered(context: Context, asked: Asked, done?: Done): Promise<void> {
  const body = await gathered(asked.req, GATHERED);
  if (body === undefined)
    done?.(refused(context, asked, new ClientLeft('before its body was complete')));
  else streamed(context, asked, { body, done });
}

/** What can be told from the head alone. */
function unfit({ req, target }: Asked): Refusal | undefined {
  const protocol = refusedUpgrade(req);
  if (protocol !== undefined) return new UpgradeRefused(protocol);
  return target.startsWith('/') ? undefined : new BadHead('its target is not a path');
}

function refused({ explain }: Context, { req, res }: Asked, fault: Refusal): ForwardResult {
  req.resume();
  explain(res, fault);
  return { outcome: 'refused-before-sending', fault };
}

interface Streaming {
  readonly body: Body;
  readonly done: Done | undefined;
}

function streamed(context: Context, asked: Asked, { body, done }: Streaming): void {
  const { req, res, target } = asked;
  const { shared, trustForwarded, turn } = context;
  const headers = requestHeaders(req, { trustForwarded, judged: false });
  const delivery = new Streamed(res, turn);
  const out = { req, res, target, headers, body, delivery, judged: false, bodyWithinMs: 0 };
  const over = (ended: Ended) => {
    if (body !== null && !req.readableEnded) rest(req, body);
    const result = resultOf(ended, context, res);
    done?.(result);
  };
  new Exchange(shared, out, over).start();
}

/** The answer came before the whole request was read: the rest is read and dropped. */
function rest(req: IncomingMessage, body: NonNullable<Body>): void {
  if (Buffer.isBuffer(body)) return;
  req.unpipe();
  body.on('error', () => undefined).destroy();
  req.resume();
}

async function send(context: Context, asked: Asked, judged: JudgedRequest): Promise<ForwardResult> {
  const fault = unfit(asked);
  if (fault) return refused(context, asked, fault);
  const settle = (answer: Answer) => told(context, judged, { outcome: 'answered', ...answer });
  const delivery = new Judged(asked.res, COPY, settle);
  const ended = await exchanged(context, asked, { judged, delivery });
  if ('fault' in ended) return resultOf(ended, context, asked.res);
  await delivery.settling(ended.complete);
  return { outcome: 'answered', ...delivery.answer(ended.complete) };
}

async function told(
  { shared }: Context,
  judged: JudgedRequest,
  result: ForwardResult,
): Promise<void> {
  try {
    await judged.onAnswer?.(result);
  } catch (fault) {
    shared.log.error('settling an answer failed', { fault: String(fault) });
  }
}

interface Sending {
  readonly judged: JudgedRequest;
  readonly delivery: Judged;
}

function exchanged(context: Context, asked: Asked, { judged, delivery }: Sending): Promise<Ended> {
  const { shared, trustForwarded } = context;
  const headers = requestHeaders(asked.req, { trustForwarded, judged: true });
  const { body, added = [] } = judged;
  const bodyWithinMs = shared.headersWithinMs;
  const out = { ...asked, headers, body, added, delivery, judged: true, bodyWithinMs };
  return new Promise((resolve) => {
    new Exchange(shared, out, resolve).start();
  });
}

function resultOf(ended: Ended, { explain }: Context, res: ServerResponse): ForwardResult {
  if (!('fault' in ended)) return { outcome: 'answered', ...ended };
  const { fault, sent } = ended;
  explain(res, fault);
  return { outcome: sent ? 'unknown' : 'refused-before-sending', fault };
}
