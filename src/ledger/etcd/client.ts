import { ConsecutiveBreaker, circuitBreaker, handleWhen, noop } from 'cockatiel';
import { Etcd3, isRecoverableError } from 'etcd3';
import type { Clock } from '../../plumbing/clock.ts';

export interface EtcdHosts {
  /** `http(s)://host:port` of the members, all of one kind. */
  readonly hosts: readonly string[];
  /** PEM files' contents: the authority, and our own certificate where etcd asks for one. */
  readonly credentials?: {
    readonly rootCertificate: Buffer;
    readonly privateKey?: Buffer;
    readonly certChain?: Buffer;
  };
  readonly auth?: { readonly username: string; readonly password: string };
}

/** Longest that one try on one member may take, ms; a hung member costs this much per call. */
export const TRY_WITHIN_MS = 1_000;

/** Largest answer taken, bytes; grpc's own default of 4 MiB is less than a page may have. */
const MOST_RECEIVED_BYTES = 64 << 20;

/**
 * The client, used for its transport, its choice of members and its tokens. Its Watcher, Lease, Lock, Election
 * and Role are not used: README.md says why. Retries are ours too (calls.ts), so
 * that a commit knows how often it was sent.
 */
export function connectEtcd({ hosts, credentials, auth }: EtcdHosts, clock: Clock): Etcd3 {
  return new Etcd3({
    hosts: [...hosts],
    ...(credentials && { credentials: { ...credentials } }),
    ...(auth && { auth: { ...auth } }),
    // A function: an object would freeze one moment. `dialTimeout` is not read by the client at all.
    defaultCallOptions: ({ isStream }) =>
      isStream ? {} : { deadline: clock.now() + TRY_WITHIN_MS },
    grpcOptions: {
      // Below 5 s, etcd's --grpc-keepalive-min-time makes it drop the connection.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 3_000,
      // Pings on a connection without a call are taken for an attack by etcd, which drops it.
      'grpc.keepalive_permit_without_calls': 0,
      // Its own are 1 s, growing to 2 minutes: calls.ts paces the tries, and a member that is back is used at once.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.max_receive_message_length': MOST_RECEIVED_BYTES,
    },
    faultHandling: {
      host: () =>
        circuitBreaker(handleWhen(isRecoverableError), {
          halfOpenAfter: 500,
          breaker: new ConsecutiveBreaker(5),
        }),
      global: noop,
    },
  });
}
