import type { Clock } from '../../plumbing/clock.ts';

/** What is known about one of the configured Marathons. */
export interface EndpointState {
  readonly url: string;
  readonly current: boolean;
  /** Failures since it last answered. */
  readonly failures: number;
  /** ms since the epoch; absent when it never failed. */
  readonly lastFailureMs?: number;
}

/** Which of several Marathons to talk to. Any of them forwards to the leader. */
export interface Endpoints {
  /** The one to use now. */
  current(): URL;
  /** All of them, the one to use now first, those that failed lately last. */
  inOrder(): readonly URL[];
  /** It did not answer, or answered that it cannot serve: use another. */
  failed(url: URL): void;
  /** It answered. */
  answered(url: URL): void;
  /** The leader, as GET /v2/leader names it (host:port); used first when it is one of ours. */
  leaderIs(hostPort: string): void;
  state(): readonly EndpointState[];
}

interface Endpoint {
  readonly url: URL;
  failures: number;
  lastFailureMs?: number;
}

/** A URL without credentials, query and trailing slashes; a path prefix is kept. */
function baseOf(text: string): URL {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

const byFailure = (a: Endpoint, b: Endpoint): number =>
  (a.lastFailureMs ?? -1) - (b.lastFailureMs ?? -1);

/**
 * Keeps to one Marathon for as long as it answers. After a failure the one whose last failure is
 * longest ago, or that never failed, comes next; nothing is given up for ever.
 *
 * @param urls  http or https base URLs, at least one
 * @throws      RangeError when there is none
 */
export function createEndpoints(urls: readonly string[], clock: Clock): Endpoints {
  const all: readonly Endpoint[] = urls.map((text) => ({ url: baseOf(text), failures: 0 }));
  const [first] = all;
  if (first === undefined) throw new RangeError('no Marathon URL is configured');
  const state = { current: first };
  const find = (url: URL) => all.find((endpoint) => endpoint.url.href === url.href);

  const others = () => all.filter((each) => each !== state.current).sort(byFailure);

  return {
    current: () => state.current.url,
    inOrder: () => [state.current, ...others()].map(({ url }) => url),
    failed: (url) => {
      const endpoint = find(url);
      if (!endpoint) return;
      endpoint.failures += 1;
      endpoint.lastFailureMs = clock.now();
      if (endpoint === state.current) state.current = others()[0] ?? endpoint;
    },
    answered: (url) => {
      const endpoint = find(url);
      if (endpoint) endpoint.failures = 0;
    },
    leaderIs: (hostPort) => {
      const leader = all.find(({ url }) => url.host === hostPort);
      if (leader?.failures === 0) state.current = leader;
    },
    state: () =>
      all.map(({ url, failures, lastFailureMs }) => ({
        url: url.href,
        current: url === state.current.url,
        failures,
        ...(lastFailureMs !== undefined && { lastFailureMs }),
      })),
  };
}
