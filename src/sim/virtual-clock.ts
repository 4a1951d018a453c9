import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../plumbing/clock.ts';

/** A clock that can be told to stand still while work is under way. */
export interface SimClock extends Clock {
  /** Time does not pass until `work` has settled. Absent on a clock that nobody can stop. */
  hold?(work: Promise<unknown>): void;
}

/** Time that moves only when told to. */
export interface VirtualClock extends SimClock {
  hold(work: Promise<unknown>): void;
  /** Passes `ms`, waking each sleeper at its own moment and letting it finish before the next. */
  advance(ms: number): Promise<void>;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** @param startMs  what `now()` says at first, ms since the epoch */
export const createVirtualClock = (startMs: number = Date.UTC(2030, 0, 1)): VirtualClock => {
  let now = startMs;
  const sleepers = new Set<Sleeper>();
  const held = new Set<Promise<unknown>>();
  const settle = async (): Promise<void> => {
    do {
      if (held.size > 0) await Promise.allSettled(held);
      await turn();
    } while (held.size > 0);
  };
  return {
    now: () => now,
    sleep: (ms, signal) => sleepOn(sleepers, now + Math.max(0, ms), signal),
    hold: (work) => {
      const kept = work.finally(() => held.delete(kept)).catch(() => undefined);
      held.add(kept);
    },
    advance: async (ms) => {
      const end = now + ms;
      await settle();
      for (let next = earliest(sleepers, end); next; next = earliest(sleepers, end)) {
        now = Math.max(now, next.at);
        next.wake();
        await settle();
      }
      now = end;
      await settle();
    },
  };
};

const earliest = (sleepers: ReadonlySet<Sleeper>, end: number): Sleeper | undefined => {
  let first: Sleeper | undefined;
  for (const one of sleepers) if (one.at <= end && (!first || one.at < first.at)) first = one;
  return first;
};

const sleepOn = (sleepers: Set<Sleeper>, at: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const onAbort = (): void => {
      sleepers.delete(sleeper);
      reject(signal.reason as Error);
    };
    const sleeper: Sleeper = {
      at,
      wake: () => {
        sleepers.delete(sleeper);
        signal.removeEventListener('abort', onAbort);
        resolve();
      },
    };
    sleepers.add(sleeper);
    signal.addEventListener('abort', onAbort, { once: true });
  });
