import { Pool } from 'undici';

/** The addresses of Marathon, one of them in use. */
export interface Endpoints {
  /** The one to ask now. May carry a path under which Marathon is mounted. */
  current(): URL;
  /** Tells that `url` could not be reached or broke off: `current` should name another one. */
  failed(url: URL): void;
}

/** An endpoint's origin and path, worked out once per URL object. */
export interface Place {
  readonly origin: string;
  readonly prefix: string;
}
const places = new WeakMap<URL, Place>();

export function placeOf(url: URL): Place {
  const known = places.get(url);
  if (known) return known;
  const place = { origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') };
  places.set(url, place);
  return place;
}

/** Endpoints in turn: stays with one until it fails, then goes on to the next. */
export function inTurn(urls: readonly URL[]): Endpoints {
  let at = 0;
  const current = (): URL => {
    const url = urls[at % urls.length];
    if (url === undefined) throw new RangeError('no marathon endpoint was given');
    return url;
  };
  return {
    current,
    failed(url) {
      if (url.href === current().href) at = (at + 1) % urls.length;
    },
  };
}

export interface UpstreamOptions {
  /** Most connections to one endpoint for requests that are answered and done. */
  readonly connections: number;
  /** Most event streams open to one endpoint; they have connections of their own. */
  readonly eventConnections: number;
  /** Most requests that may wait for a connection. */
  readonly waiting: number;
  /** Longest time to connect, ms. */
  readonly connectWithinMs: number;
  /** Longest time from the request to the head of its answer, ms. */
  readonly headersWithinMs: number;
  /** For https endpoints: certificates to trust, PEM. Absent: the system's own. */
  readonly ca?: string;
}

/** One pool of connections and how many requests are on it or wait for it. */
export interface Lane {
  readonly pool: Pool;
  readonly connections: number;
  /** Most requests at once, waiting ones included. */
  readonly most: number;
  inFlight: number;
}

export interface Upstreams {
  /** The lane to `origin` for event streams or for everything else. */
  lane(origin: string, events: boolean): Lane;
  /** Ends every connection, also those in use. */
  close(): Promise<void>;
}

/**
 * Most origins with lanes at one time. There is one per endpoint and per leader met in a
 * redirect; a cluster has a handful, so the oldest can go.
 */
const MOST_LANES = 32;

/** Largest head of an answer, bytes. */
const MAX_ANSWER_HEAD = 64 * 1024;

export function createUpstreams(options: UpstreamOptions): Upstreams {
  const lanes = new Map<string, Lane>();
  const open = (origin: string, events: boolean): Lane => {
    const connections = events ? options.eventConnections : options.connections;
    const pool = openPool(origin, connections, options);
    return { pool, connections, most: connections + (events ? 0 : options.waiting), inFlight: 0 };
  };
  return {
    lane(origin, events) {
      const key = events ? `events ${origin}` : origin;
      const known = lanes.get(key);
      if (known) return known;
      makeRoom(lanes);
      const lane = open(origin, events);
      lanes.set(key, lane);
      return lane;
    },
    async close() {
      const pools = [...lanes.values()].map(({ pool }) => pool);
      lanes.clear();
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
}

function openPool(origin: string, connections: number, options: UpstreamOptions): Pool {
  return new Pool(origin, {
    connections,
    pipelining: 1,
    headersTimeout: options.headersWithinMs,
    bodyTimeout: 0, // an event stream may be still for long, and a client may read slowly
    maxHeaderSize: MAX_ANSWER_HEAD,
    connect: { timeout: options.connectWithinMs, ...(options.ca ? { ca: options.ca } : {}) },
  });
}

function makeRoom(lanes: Map<string, Lane>): void {
  if (lanes.size < MOST_LANES) return;
  for (const [key, lane] of lanes) {
    if (lane.inFlight > 0) continue;
    lanes.delete(key);
    void lane.pool.destroy();
    return;
  }
}
