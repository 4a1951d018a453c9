import type { RateNames } from '../../core/container-rates.ts';
import type { Clock } from '../../plumbing/clock.ts';
import type { Log } from '../../plumbing/log.ts';
import type { MesosStreams } from './client.ts';
import { EventReader } from './event-reader.ts';
import type { MesosEvent } from './event-wire.ts';

export interface EventsDeps {
  readonly client: MesosStreams;
  readonly clock: Clock;
  readonly log: Log;
  /** Names of the variables and labels that carry a rate. */
  readonly rateNames: RateNames;
  /** First pause before the stream is opened again, ms; doubles up to the cap. */
  readonly backoffMs?: number;
  readonly backoffCapMs?: number;
  /** Longest event, and longest element of the snapshot, bytes. */
  readonly mostBytes?: number;
}

const BACKOFF_MS = 250;
/** Each opening costs the master a look at all of its state. */
const BACKOFF_CAP_MS = 30_000;
const MOST_BYTES = 4 * 1024 * 1024;
/** Heartbeats that may fail to come before the stream is given up. */
const SILENT_HEARTBEATS = 3;

/**
 * What happens to tasks and agents (SUBSCRIBE of the v1 operator API), until the signal. A stream that
 * breaks or falls silent is said to be LOST and opened again at the leader of then, with pauses that
 * double. Between SUBSCRIBED and LOST nothing is missing, but for what Mesos has no event for: switches of
 * agents, drains, and agents that become unreachable.
 */
export async function* mesosEvents(
  deps: EventsDeps,
  signal: AbortSignal,
): AsyncGenerator<MesosEvent> {
  const { clock, log, backoffMs = BACKOFF_MS, backoffCapMs = BACKOFF_CAP_MS } = deps;
  const stopped = (): boolean => signal.aborted;
  let said: string | undefined;
  for (let failed = 0; !stopped(); failed += 1) {
    let why = 'the stream ended';
    try {
      for await (const event of oneStream(deps, signal)) {
        if (event.type === 'SUBSCRIBED') failed = 0;
        yield event;
      }
    } catch (fault: unknown) {
      why = reasonOf(fault);
    }
    if (stopped()) return;
    if (why !== said) log.warn('the events of mesos are lost', { fault: why });
    said = why;
    yield { type: 'LOST', why };
    const pauseMs = Math.min(backoffCapMs, backoffMs * 2 ** Math.min(failed, 16));
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}

const reasonOf = (fault: unknown): string =>
  fault instanceof Error ? fault.message : String(fault);

function faultOf(act: () => void): Error | undefined {
  try {
    act();
    return undefined;
  } catch (fault: unknown) {
    return fault instanceof Error ? fault : new Error(String(fault));
  }
}

/** One subscription, from its first event to its end. @throws whatever ends it early */
async function* oneStream(deps: EventsDeps, signal: AbortSignal): AsyncGenerator<MesosEvent> {
  const { client, rateNames, mostBytes = MOST_BYTES } = deps;
  const { body, patience } = await client.stream({ type: 'SUBSCRIBE' }, signal);
  const reader = new EventReader(rateNames, mostBytes);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      patience.renew();
      const fault = faultOf(() => reader.push(chunk));
      for (const event of reader.take()) {
        if (event.type === 'SUBSCRIBED') patience.within(event.heartbeatMs * SILENT_HEARTBEATS);
        yield event;
      }
      if (fault) throw fault;
    }
    if (reader.midway) throw new Error('the stream ended in the middle of an event');
  } catch (fault: unknown) {
    throw patience.signal.aborted ? patience.signal.reason : fault;
  } finally {
    patience.end();
    body.destroy();
  }
}
