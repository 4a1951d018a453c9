import type { Etcd3 } from 'etcd3';
import { EtcdLeaseInvalidError, castGrpcError } from 'etcd3';
import type { Clock } from '../../plumbing/clock.ts';
import { holdSeconds } from '../limits.ts';
import type { Holding } from '../store.ts';
import { Tenure } from '../tenure.ts';
import type { Calls } from './calls.ts';

export interface LeaseDeps {
  readonly client: Etcd3;
  readonly calls: Calls;
  readonly clock: Clock;
}

/** Grants a lease and keeps it alive until it is lost or released. */
export async function openLease(
  deps: LeaseDeps,
  ttlMs: number,
  signal: AbortSignal,
): Promise<Lease> {
  const seconds = holdSeconds(ttlMs);
  const tenure = new Tenure(deps.clock, seconds * 1000);
  const grant = (options: { deadline: number }) => {
    tenure.begin();
    return deps.client.leaseClient.leaseGrant({ TTL: seconds }, options);
  };
  try {
    const { ID } = await deps.calls.run('a holding', grant, signal);
    tenure.keepBy((withinMs) => keepAlive(deps, ID, withinMs));
    return new Lease(deps, ID, tenure);
  } catch (fault) {
    tenure.lose();
    throw fault;
  }
}

/**
 * A lease with a deadline of its own. The client's Lease tells of a loss only after twice the TTL, when
 * another has long been given the keys.
 */
export class Lease implements Holding {
  readonly id: string;
  readonly #deps: LeaseDeps;
  readonly #tenure: Tenure;

  constructor(deps: LeaseDeps, id: string, tenure: Tenure) {
    this.id = id;
    this.#deps = deps;
    this.#tenure = tenure;
  }

  get lost(): AbortSignal {
    return this.#tenure.lost;
  }

  async release(signal: AbortSignal): Promise<void> {
    this.lose();
    const { client, calls } = this.#deps;
    const revoke = (options: { deadline: number }) =>
      client.leaseClient.leaseRevoke({ ID: this.id }, options);
    await calls.run('the end of a holding', revoke, signal).catch((fault: unknown) => {
      if (!(fault instanceof EtcdLeaseInvalidError)) throw fault;
    });
  }

  /** Stops keeping; the keys go when the TTL is over. */
  lose(): void {
    this.#tenure.lose(this.id);
  }

  /** @returns false when etcd has let the lease go */
  async lives(signal: AbortSignal): Promise<boolean> {
    const { client, calls } = this.#deps;
    const ask = () => client.leaseClient.leaseTimeToLive({ ID: this.id });
    return Number((await calls.run('a holding', ask, signal)).TTL) > 0;
  }
}

/** One keep-alive on a stream of its own. @returns false when etcd says the lease is gone */
async function keepAlive(
  { client, clock }: LeaseDeps,
  id: string,
  withinMs: number,
): Promise<boolean> {
  const stream = await client.leaseClient.leaseKeepAlive();
  const over = new AbortController();
  const answer = new Promise<boolean>((resolve, reject) => {
    stream
      .on('data', ({ TTL }) => resolve(Number(TTL) > 0))
      .on('error', (fault) => reject(castGrpcError(fault)))
      .on('end', () => reject(new Error('the stream ended')));
    clock.sleep(withinMs, over.signal).then(
      () => {
        // Cancelled while writable, the client takes the member for failed and drops its connection.
        stream.cancel();
        reject(new Error(`no answer within ${withinMs} ms`));
      },
      () => undefined,
    );
    stream.write({ ID: id });
  });
  try {
    return await answer;
  } finally {
    over.abort();
    stream.end();
  }
}
