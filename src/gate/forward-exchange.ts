import type { Dispatcher } from 'undici';
import { ClientLeft, GateBusy } from './errors.ts';
import { headersFor } from './forward-answer.ts';
import { tear } from './forward-delivery.ts';
import { asksForEvents, Redirects } from './forward-events.ts';
import { explained } from './forward-faults.ts';
import type { Ended, Outgoing, Shared } from './forward-outgoing.ts';
import { asksAgain, blames, isSafe } from './forward-retry.ts';
import { Valve } from './forward-valve.ts';
import { type FlatHeaders, rawValueOf } from './headers.ts';
import { type Lane, type Place, placeOf } from './upstream.ts';

type Abort = (fault?: Error) => void;

/**
 * One request of a client, over as many attempts as its safety allows.
 *
 * Speaks undici's plain handler interface, the one that its parser calls: the newer one wraps it, and
 * parses the headers of every answer into an object that nobody here needs.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private abort: Abort | undefined;
  private lane: Lane | undefined;
  private url!: URL;
  private place!: Place;
  private sent = false;
  private gone = false;
  private over = false;
  private waiting: NodeJS.Timeout | undefined;
  private status = 0;
  private headers: FlatHeaders = [];
  private readonly tried: URL[] = [];
  private readonly valve: Valve;
  /** For event streams only. */
  private readonly redirects: Redirects | undefined;

  constructor(
    private readonly shared: Shared,
    private readonly out: Outgoing,
    private readonly done: (ended: Ended) => void,
  ) {
    this.valve = new Valve(out.res);
    if (asksForEvents(out.target, out.req)) this.redirects = new Redirects(out.target);
  }

  start(): void {
    const { res } = this.out;
    res.on('close', () => this.clientGone());
    if (res.destroyed) {
      this.finish({ fault: new ClientLeft('early'), sent: false });
      return;
    }
    const url = this.shared.endpoints.current();
    this.attempt(url, placeOf(url), this.out.target);
  }

  private attempt(url: URL, place: Place, target: string): void {
    const { out, shared } = this;
    const lane = shared.upstreams.lane(place.origin, this.redirects !== undefined);
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
    const { body, bodyWithinMs: bodyTimeout } = out;
    const headers = out.headers as string[];
    const path = place.prefix + target;
    // not blocking: a connection is asked for one answer at a time anyway
    lane.pool.dispatch({ method, path, headers, body, bodyTimeout, blocking: false }, this);
    if (lane.inFlight > lane.connections) this.limitWait(lane);
  }

  /** A request in line for a connection has no other clock. */
  private limitWait(lane: Lane): void {
    if (this.sent || this.over) return;
    this.waiting = setTimeout(() => this.finish(this.busy(lane)), this.shared.headersWithinMs);
  }

  private busy({ connections }: Lane): Ended {
    const what = this.redirects ? 'event streams' : 'connections';
    return { fault: new GateBusy(what, connections), sent: false };
  }

  private clientGone(): void {
    this.gone = true;
    if (this.over) return;
    if (this.out.judged && this.sent) {
      this.valve.open();
      return;
    }
    const fault = new ClientLeft('before its answer was complete');
    if (this.abort) this.abort(fault);
    else this.finish({ fault, sent: false });
  }

  onConnect(abort: Abort): void {
    this.stopWaiting();
    // over: the client left or the wait was too long. sent: a judged request is sent once, whatever undici thinks
    if (this.over || (this.sent && !isSafe(this.out.req.method ?? ''))) {
      abort(new ClientLeft('while its request waited'));
      return;
    }
    this.sent = true;
    this.abort = abort;
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    this.valve.turnTo(resume);
    if (status < 200) return true;
    if (this.redirects?.takes(status, rawValueOf(raw, 'location'), this.url)) return true;
    const { added, delivery } = this.out;
    const headers = headersFor(raw, this.shared, this.place);
    if (added) headers.push(...added);
    this.status = status;
    this.headers = headers;
    delivery.start(status, reason, headers);
    return true;
  }

  /** @returns false when the upstream must wait */
  onData(chunk: Buffer): boolean {
    if (this.redirects?.under) {
      if (this.redirects.drop(chunk)) this.abort?.(new Error('redirected'));
      return true;
    }
    if (this.out.delivery.data(chunk)) return true;
    this.valve.close();
    return false;
  }

  onComplete(): void {
    if (this.goesOnwards()) return;
    this.release();
    this.over = true;
    const ended = { status: this.status, headers: this.headers, complete: true };
    const settled = this.out.delivery.end();
    if (settled) void settled.finally(() => this.done(ended));
    else this.done(ended);
  }

  /** Whether what has ended was a redirect, and is followed now. */
  private goesOnwards(): boolean {
    const onward = this.redirects?.onward();
    if (!onward) return false;
    this.release();
    if (this.gone) this.finish({ fault: new ClientLeft('while redirected'), sent: true });
    else this.attempt(onward.url, onward.place, onward.target);
    return true;
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
    if (this.goesOnwards()) return;
    this.release();
    const next = this.gone ? undefined : this.nextEndpoint(fault);
    if (next) this.attempt(next, placeOf(next), this.out.target);
    else this.finish({ fault: this.explain(fault), sent: this.sent });
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

  private explain(fault: Error) {
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
    this.stopWaiting();
    if (this.lane) this.lane.inFlight -= 1;
    this.lane = undefined;
  }

  private stopWaiting(): void {
    if (this.waiting !== undefined) clearTimeout(this.waiting);
  }
}
