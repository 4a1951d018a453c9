import type { Readable } from 'node:stream';
import type { Clock } from '../../plumbing/clock.ts';
import type { Log } from '../../plumbing/log.ts';
import type { Engine } from './engine.ts';
import { read, wire, type WireEvent } from './engine-wire.ts';

export type EngineEvent =
  /** The stream is open: the first time, or again. Events before it may have been missed. */
  | { readonly what: 'connected' }
  | {
      readonly what: 'network';
      /** create, connect, disconnect, destroy… */
      readonly action: string;
      readonly networkId: string;
      readonly network: string;
      readonly container?: string;
      readonly atMs: number;
    }
  | {
      readonly what: 'container';
      /** create, start, die, destroy, pause… Docker writes `exec_start: sh -c …` there, too. */
      readonly action: string;
      readonly container: string;
      /** Labels, name, image: hostile. */
      readonly attributes: Readonly<Record<string, string>>;
      readonly atMs: number;
    };

export interface EventsDeps {
  readonly engine: Pick<Engine, 'eventStream'>;
  readonly clock: Clock;
  readonly log: Log;
  /** First pause before the stream is opened again, ms; doubles up to the cap. */
  readonly backoffMs?: number;
  readonly backoffCapMs?: number;
}

/** Longest line of the stream, characters: an event repeats all labels of its container. */
const LONGEST_LINE = 4 << 20;

/**
 * Docker's events about containers and networks until the signal. A broken stream is opened again, with
 * pauses that double; each opening is said, for what happened in between is lost.
 */
export async function* events(deps: EventsDeps, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  const { engine, clock, log, backoffMs = 100, backoffCapMs = 5_000 } = deps;
  const stopped = (): boolean => signal.aborted;
  for (let failed = 0; !stopped(); failed += 1) {
    try {
      const stream = await engine.eventStream(signal);
      failed = 0;
      yield { what: 'connected' };
      yield* eventsIn(stream, signal);
      if (!stopped()) log.warn('the stream of docker events ended');
    } catch (fault) {
      if (stopped()) return;
      if (failed === 0) log.warn('docker events cannot be read', { fault: String(fault) });
    }
    const pauseMs = Math.min(backoffCapMs, backoffMs * 2 ** Math.min(failed, 16));
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}

async function* eventsIn(stream: Readable, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  const cut = (): void => void stream.destroy();
  signal.addEventListener('abort', cut, { once: true });
  try {
    for await (const line of linesIn(stream)) {
      const event = eventOf(read(wire.event, JSON.parse(line), 'GET /events'));
      if (event) yield event;
    }
  } finally {
    signal.removeEventListener('abort', cut);
    stream.destroy();
  }
}

async function* linesIn(stream: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new RangeError('a docker event is too long');
    yield* lines.filter((line) => line.trim() !== '');
  }
}

function eventOf({ Type, Action, Actor, timeNano }: WireEvent): EngineEvent | undefined {
  const attributes = Actor.Attributes ?? {};
  const atMs = Math.floor(timeNano / 1e6);
  if (Type === 'container')
    return { what: 'container', action: Action, container: Actor.ID, attributes, atMs };
  if (Type !== 'network') return undefined;
  const { name = '', container } = attributes;
  const whom = container === undefined || container === '' ? {} : { container };
  return { what: 'network', action: Action, networkId: Actor.ID, network: name, ...whom, atMs };
}
