import { setMaxListeners } from 'node:events';
import type { Etcd3 } from 'etcd3';
import { EtcdLeaseInvalidError, castGrpcError } from 'etcd3';
import type { Clock } from '../../plumbing/clock.ts';
import { HoldingLost } from '../errors.ts';
import { holdSeconds } from '../limits.ts';
import type { Holding } from '../store.ts';
import type { Calls } from './calls.ts';
import { TRY_WITHIN_MS } from './client.ts';

export interface LeaseDeps {
  readonly client: Etcd3;
  readonly calls: Calls;
  readonly clock: Clock;
}

const PAUSE_MS = 100;
const MOST_MARGIN_MS = 1_000;

/** Grants a lease and keeps it alive until it is lost or released. */
export async function openLease(
  deps: LeaseDeps,
  ttlMs: number,
  signal: AbortSignal,
): Promise<Lease> {
  const seconds = holdSeconds(ttlMs);
  const lease = new Lease(deps, seconds * 1000);
  await lease.grant(seconds, signal);
  return lease;
}

/**
 * A lease with a deadline of its own: each answered keep-alive moves it to TTL less a margin after that
 * keep-alive was *sent*. The client's own Lease tells of a loss only after twice the TTL, when another
 * has long been given the keys.
 */
export class Lease implements Holding {
  id = '';
  readonly lost: AbortSignal;
  readonly #deps: LeaseDeps;
  readonly #ttlMs: number;
  readonly #losing = new AbortController();
  /** Stops the deadline in force. */
  #deadline: AbortController | undefined;

  constructor(deps: LeaseDeps, ttlMs: number) {
    this.#deps = deps;
    this.#ttlMs = ttlMs;
    this.lost = this.#losing.signal;
    setMaxListeners(0, this.lost);
  }

  async grant(seconds: number, signal: AbortSignal): Promise<void> {
    const { client, calls } = this.#deps;
    const answer = await calls.run(
      'a holding',
      (options) => {
        this.#startDeadline();
        return client.leaseClient.leaseGrant({ TTL: seconds }, options);
      },
      signal,
    );
    this.id = answer.ID;
    this.#keep().catch(() => undefined);
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
    this.#deadline?.abort();
    this.#losing.abort(new HoldingLost(this.id));
  }

  /** @returns false when etcd has let the lease go */
  async lives(signal: AbortSignal): Promise<boolean> {
    const { client, calls } = this.#deps;
    const ask = () => client.leaseClient.leaseTimeToLive({ ID: this.id });
    return Number((await calls.run('a holding', ask, signal)).TTL) > 0;
  }

  async #keep(): Promise<void> {
    for (;;) {
      await this.#deps.clock.sleep(this.#ttlMs / 3, this.lost);
      while (!(await this.#keptOnce())) await this.#deps.clock.sleep(PAUSE_MS, this.lost);
    }
  }

  async #keptOnce(): Promise<boolean> {
    const before = this.#deadline;
    const next = this.#newDeadline();
    try {
      const left = await keepAlive(this.#deps, this.id, Math.min(TRY_WITHIN_MS, this.#ttlMs / 3));
      before?.abort();
      this.#deadline = next;
      if (left <= 0) this.lose();
      if (this.lost.aborted) next.abort();
      return true;
    } catch {
      next.abort();
      return false;
    }
  }

  #startDeadline(): void {
    this.#deadline?.abort();
    this.#deadline = this.#newDeadline();
  }

  /** Runs by a timer, not by comparing times of day, which may be set back. */
  #newDeadline(): AbortController {
    const stop = new AbortController();
    const ms = this.#ttlMs - Math.min(MOST_MARGIN_MS, this.#ttlMs / 4);
    this.#deps.clock.sleep(ms, stop.signal).then(
      () => {
        this.lose();
      },
      () => undefined,
    );
    return stop;
  }
}

/** One keep-alive on a stream of its own. @returns what etcd says is left, seconds; 0 when it is gone */
async function keepAlive(
  { client, clock }: LeaseDeps,
  id: string,
  withinMs: number,
): Promise<number> {
  const stream = await client.leaseClient.leaseKeepAlive();
  const over = new AbortController();
  const answer = new Promise<number>((resolve, reject) => {
    stream
      .on('data', ({ TTL }) => resolve(Number(TTL)))
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
