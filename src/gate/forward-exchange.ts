import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Refusal } from '../core/errors.ts';
import type { Log } from '../plumbing/log.ts';
import { ClientLeft, GateBusy } from './errors.ts';
import type { Body } from './forward-buffered.ts';
import { type Delivery, Streamed, tear } from './forward-delivery.ts';
import { explained } from './forward-faults.ts';
import { asksAgain, blames, isSafe } from './forward-retry.ts';
import { type FlatHeaders, type RawHeaders, answerHeaders, firstOf } from './headers.ts';
import { eventsTarget, originIn, rewriteLocation } from './location.ts';
import { type Endpoints, type Lane, type Place, type Upstreams, placeOf } from './upstream.ts';

/** What every exchange of one forwarder shares. */
export interface Shared {
  readonly endpoints: Endpoints;
  readonly upstreams: Upstreams;
  readonly headersWithinMs: number;
  readonly hideUpstream: boolean;
  readonly publicBase?: string;
  readonly log: Log;
}

/** One request as it goes to Marathon. */
export interface Outgoing {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly target: string;
  readonly headers: FlatHeaders;
  readonly body: Body;
  readonly delivery: Delivery;
  /** A judged request goes on without its client, so that its outcome is known. */
  readonly judged: boolean;
  /** Longest silence within the answer, ms; 0: any. */
  readonly bodyWithinMs: number;
  /** Headers to add to the answer. */
  readonly added?: FlatHeaders;
}

export type Ended =
  | { readonly status: number; readonly headers: FlatHeaders; readonly complete: boolean }
  | { readonly fault: Refusal; readonly sent: boolean };

const MOST_REDIRECTS = 3;
const MOST_REDIRECT_BODY = 64 * 1024;
const EVENTS = '/v2/events';

/** One request of a client, over as many attempts as its safety allows. */
export class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private lane: Lane | undefined;
  private url!: URL;
  private place!: Place;
  private sent = false;
  private gone = false;
  private over = false;
  private redirects = 0;
  private discarded = 0;
  private redirect: URL | undefined;
  private waiting: NodeJS.Timeout | undefined;
  private listensForDrain = false;
  private status = 0;
  private headers: FlatHeaders = [];
  private readonly tried: URL[] = [];
  private readonly events: boolean;

  constructor(
    private readonly shared: Shared,
    private readonly out: Outgoing,
    private readonly done: (ended: Ended) => void,
  ) {
    this.events =
      out.target.startsWith(EVENTS) ||
      out.req.headers.accept?.includes('text/event-stream') === true;
  }

  start(): void {
    const { res } = this.out;
    res.on('close', () => this.clientGone());
    if (res.destroyed) {
      this.finish({ fault: new ClientLeft('early'), sent: false });
      return;
    }
    const url = this.shared.endpoints.current();
    this.attempt(url, placeOf(url));
  }

  private attempt(url: URL, place: Place, target = this.out.target): void {
    const { out, shared } = this;
    const lane = shared.upstreams.lane(place.origin, this.events);
    if (lane.inFlight >= lane.most) {
      this.finish(this.busy(lane));
      return;
    }
    lane.inFlight += 1;
    this.lane = lane;
    this.url = url;
    this.place = place;
    this.sent = false;
    this.controller = undefined;
    this.tried.push(url);
    const method = out.req.method as Dispatcher.HttpMethod;
    const { headers, body, bodyWithinMs: bodyTimeout } = out;
    const path = place.prefix + target;
    lane.pool.dispatch({ method, path, headers: headers as string[], body, bodyTimeout }, this);
    if (lane.inFlight > lane.connections) this.limitWait(lane);
  }

  /** A request in line for a connection has no other clock. */
  private limitWait(lane: Lane): void {
    if (this.sent || this.over) return;
    this.waiting = setTimeout(() => this.finish(this.busy(lane)), this.shared.headersWithinMs);
  }

  private busy({ connections }: Lane): Ended {
    const what = this.events ? 'event streams' : 'connections';
    return { fault: new GateBusy(what, connections), sent: false };
  }

  private clientGone(): void {
    this.gone = true;
    if (this.over) return;
    if (this.out.judged && this.sent) return this.controller?.resume();
    const fault = new ClientLeft('before its answer was complete');
    if (this.controller) this.controller.abort(fault);
    else this.finish({ fault, sent: false });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    clearTimeout(this.waiting);
    // over: the client left or the wait was too long. sent: a judged request is sent once, whatever undici thinks
    if (this.over || (this.sent && !isSafe(this.out.req.method ?? ''))) {
      controller.abort(new ClientLeft('while its request waited'));
      return;
    }
    this.sent = true;
    this.controller = controller;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    parsed: Readonly<Record<string, string | string[] | undefined>>,
    reason = '',
  ): void {
    if (status < 200) return;
    if (this.events && this.follows(status, parsed)) return;
    this.status = status;
    const leader = originIn(firstOf(parsed['x-marathon-leader']));
    const headers = answerHeaders(controller.rawHeaders as RawHeaders, (name, value) =>
      this.rewritten(name, value, leader),
    );
    if (this.out.added) headers.push(...this.out.added);
    this.headers = headers;
    const { delivery } = this.out;
    if (delivery instanceof Streamed) delivery.expect(firstOf(parsed['content-length']));
    delivery.start(status, reason, headers);
  }

  private follows(
    status: number,
    parsed: Readonly<Record<string, string | string[] | undefined>>,
  ): boolean {
    const location = firstOf(parsed['location']);
    if (status < 300 || status > 308 || location === undefined) return false;
    const { target } = this.out;
    const at = target.indexOf('?');
    const to = eventsTarget(location, this.url, at < 0 ? '' : target.slice(at));
    if (!to || this.redirects >= MOST_REDIRECTS) return false;
    this.redirects += 1;
    this.redirect = to;
    return true;
  }

  private rewritten(name: string, value: string, leader: string | undefined): string | undefined {
    const { hideUpstream, publicBase } = this.shared;
    if (name === 'x-marathon-leader') return hideUpstream ? undefined : value;
    const { origin, prefix } = this.place;
    const origins = leader === undefined ? [origin] : [origin, leader];
    return rewriteLocation(value, { origins, prefix, ...(publicBase && { publicBase }) });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.redirect) {
      this.discarded += chunk.length;
      if (this.discarded > MOST_REDIRECT_BODY) controller.abort(new Error('redirected'));
      return;
    }
    if (this.out.delivery.data(chunk)) return;
    controller.pause();
    if (this.listensForDrain) return;
    this.listensForDrain = true;
    this.out.res.on('drain', () => this.controller?.resume());
  }

  onResponseEnd(): void {
    if (this.redirect) {
      this.onwards(this.redirect);
      return;
    }
    this.release();
    this.over = true;
    const ended = { status: this.status, headers: this.headers, complete: true };
    const settled = this.out.delivery.end();
    if (settled) void settled.finally(() => this.done(ended));
    else this.done(ended);
  }

  private onwards(to: URL): void {
    this.release();
    this.redirect = undefined;
    this.discarded = 0;
    if (this.gone) {
      this.finish({ fault: new ClientLeft('while redirected'), sent: true });
      return;
    }
    const prefix = to.pathname.slice(0, -EVENTS.length);
    this.attempt(to, { origin: to.origin, prefix }, EVENTS + to.search);
  }

  onResponseError(_: unknown, fault: Error): void {
    if (this.over) {
      this.release();
      return;
    }
    if (this.out.delivery.started) {
      this.brokenOff(fault);
      return;
    }
    if (this.redirect) {
      this.onwards(this.redirect);
      return;
    }
    this.release();
    const next = this.gone ? undefined : this.nextEndpoint(fault);
    if (next) {
      this.attempt(next, placeOf(next));
      return;
    }
    this.finish({ fault: this.explain(fault), sent: this.sent });
  }

  /** Never a clean end: the client must see that bytes are missing. */
  private brokenOff(fault: Error): void {
    const { out, shared, status, headers } = this;
    this.release();
    this.over = true;
    if (!this.gone) shared.log.warn('answer broken off', { fault: fault.message, status });
    tear(out.res, headers);
    this.done({ status, headers, complete: false });
  }

  /** Where to ask again, if anywhere; tells the endpoints who failed. */
  private nextEndpoint(fault: Error): URL | undefined {
    const { endpoints, log } = this.shared;
    const { req, body } = this.out;
    const { sent, tried } = this;
    const unanswered = { fault, sent, tried, method: req.method ?? '', hasBody: body !== null };
    if (!blames(unanswered)) return undefined;
    endpoints.failed(this.url);
    log.warn('marathon endpoint failed', { endpoint: this.url.host, fault: fault.message });
    const next = endpoints.current();
    return asksAgain(unanswered, next) ? next : undefined;
  }

  private explain(fault: Error): Refusal {
    const { hideUpstream, headersWithinMs } = this.shared;
    const tried = this.tried.map(({ host }, at) => (hideUpstream ? `endpoint ${at + 1}` : host));
    return explained(fault, { tried, sent: this.sent, headersWithinMs });
  }

  private finish(ended: Ended): void {
    if (this.over) return;
    this.over = true;
    if (this.waiting === undefined) this.release();
    this.done(ended);
  }

  private release(): void {
    clearTimeout(this.waiting);
    if (this.lane) this.lane.inFlight -= 1;
    this.lane = undefined;
  }
}
