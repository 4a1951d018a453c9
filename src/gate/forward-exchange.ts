import type { Dispatcher } from 'undici';
import type { Refusal } from '../core/errors.ts';
import { ClientLeft, GateBusy } from './errors.ts';
import { Streamed, tear } from './forward-delivery.ts';
import { explained } from './forward-faults.ts';
import type { Ended, Outgoing, Shared } from './forward-outgoing.ts';
import { asksAgain, blames, isSafe } from './forward-retry.ts';
import { type FlatHeaders, answerHeaders, rawValueOf, valueOf } from './headers.ts';
import { eventsTarget, originIn, rewriteLocation } from './location.ts';
import { type Lane, type Place, placeOf } from './upstream.ts';

const MOST_REDIRECTS = 3;
const MOST_REDIRECT_BODY = 64 * 1024;
const EVENTS = '/v2/events';

type Abort = (fault?: Error) => void;

/**
 * One request of a client, over as many attempts as its safety allows.
 *
 * Speaks undici's plain handler interface, the one that its parser calls: the newer one wraps it, and
 * parses the headers of every answer into an object that nobody here needs.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private abort: Abort | undefined;
  private resumes: (() => void) | undefined;
  private paused = false;
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
    this.abort = undefined;
    this.tried.push(url);
    const method = out.req.method as Dispatcher.HttpMethod;
    const { headers, body, bodyWithinMs: bodyTimeout } = out;
    const path = place.prefix + target;
    // not blocking: a connection is asked for one answer at a time anyway
    const flat = headers as string[];
    const options = { method, path, headers: flat, body, bodyTimeout, blocking: false };
    lane.pool.dispatch(options, this);
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
    if (this.out.judged && this.sent) {
      this.resume();
      return;
    }
    const fault = new ClientLeft('before its answer was complete');
    if (this.abort) this.abort(fault);
    else this.finish({ fault, sent: false });
  }

  onConnect(abort: Abort): void {
    clearTimeout(this.waiting);
    // over: the client left or the wait was too long. sent: a judged request is sent once, whatever undici thinks
    if (this.over || (this.sent && !isSafe(this.out.req.method ?? ''))) {
      abort(new ClientLeft('while its request waited'));
      return;
    }
    this.sent = true;
    this.abort = abort;
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    this.resumes = resume;
    if (status < 200) return true;
    if (this.events && this.follows(status, rawValueOf(raw, 'location'))) return true;
    this.status = status;
    const headers = answerHeaders(raw, (name, value) => this.rewritten(name, value, raw));
    if (this.out.added) headers.push(...this.out.added);
    this.headers = headers;
    const { delivery } = this.out;
    if (delivery instanceof Streamed) delivery.expect(valueOf(headers, 'content-length'));
    delivery.start(status, reason, headers);
    return true;
  }

  private follows(status: number, location: string | undefined): boolean {
    if (status < 300 || status > 308 || location === undefined) return false;
    const { target } = this.out;
    const at = target.indexOf('?');
    const to = eventsTarget(location, this.url, at < 0 ? '' : target.slice(at));
    if (!to || this.redirects >= MOST_REDIRECTS) return false;
    this.redirects += 1;
    this.redirect = to;
    return true;
  }

  private rewritten(name: string, value: string, raw: Buffer[]): string | undefined {
    const { hideUpstream, publicBase } = this.shared;
    if (name === 'x-marathon-leader') return hideUpstream ? undefined : value;
    const { origin, prefix } = this.place;
    const leader = originIn(rawValueOf(raw, 'x-marathon-leader'));
    const origins = leader === undefined ? [origin] : [origin, leader];
    return rewriteLocation(value, { origins, prefix, ...(publicBase && { publicBase }) });
  }

  /** @returns false when the upstream must wait */
  onData(chunk: Buffer): boolean {
    if (this.redirect) {
      this.discarded += chunk.length;
      if (this.discarded > MOST_REDIRECT_BODY) this.abort?.(new Error('redirected'));
      return true;
    }
    if (this.out.delivery.data(chunk)) return true;
    this.paused = true;
    if (this.listensForDrain) return false;
    this.listensForDrain = true;
    this.out.res.on('drain', () => this.resume());
    return false;
  }

  private resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.resumes?.();
  }

  onComplete(): void {
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

  onError(fault: Error): void {
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
