import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Refusal } from '../core/errors.ts';
import type { Log } from '../plumbing/log.ts';
import type { Body } from './forward-buffered.ts';
import type { Delivery } from './forward-delivery.ts';
import type { FlatHeaders } from './headers.ts';
import type { Endpoints, Upstreams } from './upstream.ts';

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
