import { isBrokenCircuitError } from 'cockatiel';
import {
  ClientClosedError,
  EtcdLeaseInvalidError,
  GRPCGenericError,
  GRPCOutOfRangeError,
  isRecoverableError,
} from 'etcd3';
import type { Clock } from '../../plumbing/clock.ts';
import { unlessAborted } from '../abort.ts';
import { LedgerClosed, LedgerRefused, LedgerUnreachable } from '../errors.ts';
import { TRY_WITHIN_MS } from './client.ts';

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 500;

/** Absolute, ms since the epoch, as grpc wants it. */
export interface TryOptions {
  readonly deadline: number;
}

/** Tries again while a fault may pass, until the time for the whole call is up. */
export class Calls {
  readonly #clock: Clock;
  readonly #withinMs: number;

  constructor(clock: Clock, withinMs: number) {
    this.#clock = clock;
    this.#withinMs = withinMs;
  }

  /**
   * What `attempt` answers in the end.
   *
   * @throws LedgerUnreachable, LedgerRefused, LedgerClosed; EtcdLeaseInvalidError and
   *   GRPCOutOfRangeError as they are, since what they mean depends on the call
   */
  async run<T>(
    what: string,
    attempt: (options: TryOptions) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const until = this.#clock.now() + this.#withinMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      signal.throwIfAborted();
      const deadline = Math.min(until, this.#clock.now() + TRY_WITHIN_MS);
      try {
        return await unlessAborted(attempt({ deadline }), signal);
      } catch (fault) {
        signal.throwIfAborted();
        if (!mayPass(fault)) throw translated(what, fault);
        if (this.#clock.now() + pauseMs >= until)
          throw new LedgerUnreachable(what, this.#withinMs, { cause: fault });
      }
      await this.#clock.sleep(pauseMs, signal);
    }
  }
}

/** True when the same call may do better later, or on another member. */
export function mayPass(fault: unknown): boolean {
  if (!(fault instanceof Error)) return false;
  if (/database space exceeded|larger than max/.test(fault.message)) return false;
  if (isBrokenCircuitError(fault) || isRecoverableError(fault)) return true;
  // Calls on a channel that was closed under them fail without a code.
  return fault.constructor === GRPCGenericError || /auth store is old/.test(fault.message);
}

function translated(what: string, fault: unknown): unknown {
  if (fault instanceof EtcdLeaseInvalidError || fault instanceof GRPCOutOfRangeError) return fault;
  if (fault instanceof ClientClosedError) return new LedgerClosed();
  // Whatever is not an answer of etcd is a bug, and stays loud.
  if (!(fault instanceof Error) || fault instanceof TypeError || fault instanceof RangeError)
    return fault;
  return new LedgerRefused(what, fault.message, { cause: fault });
}
