import type { RateNames } from '../../core/container-rates.ts';
import type { Clock } from '../../plumbing/clock.ts';
import type { Log } from '../../plumbing/log.ts';
import { type Loop, startLoop } from '../../plumbing/loop.ts';
import { BadMesosAnswer } from '../errors.ts';
import type { MesosClient, MesosStreams } from './client.ts';
import { pendingTask } from './event-reader.ts';
import { mesosEvents } from './events.ts';
import { Staging } from './staging.ts';
import type { TaskSeen } from './task-wire.ts';

export interface WatchStagingOptions {
  readonly client: MesosClient & MesosStreams;
  readonly clock: Clock;
  readonly log: Log;
  /** Names of the variables and labels that carry a rate. */
  readonly rateNames: RateNames;
  /**
   * How often all tasks are read again, in case an event was missed after all, ms. Default 10 min: the
   * stream has no gaps, and a large cluster's tasks are half a gigabyte, which its master has to write.
   */
  readonly rereadMs?: number;
  /** Longest one such reading may take, ms. Default 2 min. */
  readonly rereadWithinMs?: number;
  /** First pause before the stream is opened again, ms. */
  readonly backoffMs?: number;
  /** Told after each event that is no heartbeat, and after each reading. */
  readonly onChange?: () => void;
}

/** For /ready. */
export interface StagingState {
  readonly name: 'mesos tasks';
  /** The stream is open and its snapshot was read. */
  readonly ok: boolean;
  /** Launched and not yet running. */
  readonly tasks: number;
  readonly lastFault?: string;
}

export interface StagingWatch {
  readonly staging: Staging;
  state(): StagingState;
  /** Reads all tasks again at once. */
  reread(): void;
  stop(): Promise<void>;
}

const REREAD_MS = 600_000;
const REREAD_WITHIN_MS = 120_000;
const REREAD_BACKOFF_MS = 15_000;
const REREAD_BACKOFF_CAP_MS = 240_000;

/** Keeps the picture of launched tasks that do not run yet. */
export const watchStaging = (options: WatchStagingOptions): StagingWatch => new Watch(options);

class Watch implements StagingWatch {
  readonly staging = new Staging();
  readonly #options: WatchStagingOptions;
  readonly #stopped = new AbortController();
  readonly #following: Promise<void>;
  readonly #loop: Loop;
  #lastFault: string | undefined;

  constructor(options: WatchStagingOptions) {
    const { clock, log, rereadMs = REREAD_MS, rereadWithinMs = REREAD_WITHIN_MS } = options;
    this.#options = options;
    this.#following = this.#follow(this.#stopped.signal);
    this.#loop = startLoop('mesos tasks', (signal) => this.#reread(signal), {
      everyMs: rereadMs,
      backoffMs: REREAD_BACKOFF_MS,
      backoffCapMs: REREAD_BACKOFF_CAP_MS,
      deadlineMs: rereadWithinMs,
      clock,
      log,
    });
  }

  state(): StagingState {
    const fault = this.#lastFault !== undefined && { lastFault: this.#lastFault };
    const { current, size } = this.staging;
    return { name: 'mesos tasks', ok: current, tasks: size, ...fault };
  }

  reread(): void {
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([this.#following, this.#loop.stop()]);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for await (const event of mesosEvents(this.#options, signal)) {
      this.#lastFault = event.type === 'LOST' ? event.why : undefined;
      this.staging.apply(event, this.#options.clock.now());
      if (event.type !== 'HEARTBEAT') this.#options.onChange?.();
    }
  }

  async #reread(signal: AbortSignal): Promise<void> {
    // the snapshot of a stream that opens says it all
    if (!this.staging.current) return;
    const { client, rateNames, clock, onChange } = this.#options;
    const reading = this.staging.reread();
    try {
      reading.end(await pendingTasks(client, rateNames, signal), clock.now());
    } finally {
      reading.drop();
    }
    onChange?.();
  }
}

/**
 * All tasks that do not run yet (GET_TASKS). One that cannot be read is left out.
 *
 * @throws MesosUnreachable, MesosRefused, BadMesosAnswer; the signal's reason
 */
export async function pendingTasks(
  client: MesosClient,
  names: RateNames,
  signal: AbortSignal,
): Promise<readonly TaskSeen[]> {
  const tasks: TaskSeen[] = [];
  const visit = (element: Buffer): void => {
    const task = readable(() => pendingTask(element, names));
    if (task) tasks.push(task);
  };
  const arrays = [
    { path: ['get_tasks', 'tasks'], visit },
    { path: ['get_tasks', 'pending_tasks'], visit },
    ...['unreachable_tasks', 'completed_tasks', 'orphan_tasks'].map((key) => ({
      path: ['get_tasks', key],
    })),
  ];
  await client.each({ type: 'GET_TASKS' }, arrays, signal);
  return tasks;
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (fault: unknown) {
    if (fault instanceof BadMesosAnswer || fault instanceof SyntaxError) return undefined;
    throw fault;
  }
}
