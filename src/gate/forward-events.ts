import type { IncomingMessage } from 'node:http';
import { eventsTarget } from './location.ts';
import type { Place } from './upstream.ts';

const MOST_REDIRECTS = 3;
const MOST_REDIRECT_BODY = 64 * 1024;
const EVENTS = '/v2/events';

/** Whether a request asks for an event stream: those have connections and rules of their own. */
export const asksForEvents = (target: string, { headers }: IncomingMessage): boolean =>
  target.startsWith(EVENTS) || headers.accept?.includes('text/event-stream') === true;

/** Where a redirect of an event stream leads. */
export interface Onward {
  readonly url: URL;
  readonly place: Place;
  readonly target: string;
}

/** Follows a standby's redirects of one event stream to the leader: a client could not reach it. */
export class Redirects {
  private followed = 0;
  private discarded = 0;
  private to: URL | undefined;

  /** @param target  what the client asked for */
  constructor(private readonly target: string) {}

  /** Whether an answer is a redirect that is followed. */
  takes(status: number, location: string | undefined, asked: URL): boolean {
    if (status < 300 || status > 308 || location === undefined) return false;
    const at = this.target.indexOf('?');
    const to = eventsTarget(location, asked, at < 0 ? '' : this.target.slice(at));
    if (!to || this.followed >= MOST_REDIRECTS) return false;
    this.followed += 1;
    this.to = to;
    return true;
  }

  /** Whether the answer now coming is a redirect. */
  get under(): boolean {
    return this.to !== undefined;
  }

  /** Drops a part of its body; true once more has come than is worth waiting for. */
  drop(chunk: Buffer): boolean {
    this.discarded += chunk.length;
    return this.discarded > MOST_REDIRECT_BODY;
  }

  /** Where to go now that it is over. */
  onward(): Onward | undefined {
    const url = this.to;
    this.to = undefined;
    this.discarded = 0;
    if (!url) return undefined;
    const prefix = url.pathname.slice(0, -EVENTS.length);
    return { url, place: { origin: url.origin, prefix }, target: EVENTS + url.search };
  }
}
