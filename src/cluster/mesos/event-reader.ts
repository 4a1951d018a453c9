import type { RateNames } from '../../core/container-rates.ts';
import { BadMesosAnswer } from '../errors.ts';
import { type AgentSeen, type MesosEvent, readAgentSeen, readEvent } from './event-wire.ts';
import { RecordReader, type RecordSink } from './record-io.ts';
import { textAt } from './json-bytes.ts';
import { createSlicer, type SlicedArray, type Slicer } from './slices.ts';
import { isPending, readTask, type TaskSeen } from './task-wire.ts';

/** Arrays of the snapshot that nobody asks for; without bound in a large cluster. */
const SKIPPED = [
  'get_tasks.unreachable_tasks',
  'get_tasks.completed_tasks',
  'get_tasks.orphan_tasks',
  'get_executors.executors',
  'get_executors.orphan_executors',
  'get_frameworks.frameworks',
  'get_frameworks.completed_frameworks',
  'get_frameworks.recovered_frameworks',
  'get_agents.recovered_agents',
];

const inSnapshot = (path: string): string[] => ['subscribed', 'get_state', ...path.split('.')];

/**
 * Makes events of the bytes of a SUBSCRIBE stream. A snapshot of any length passes through element by
 * element; of its tasks only those that do not run yet are kept.
 */
export class EventReader implements RecordSink {
  readonly #names: RateNames;
  readonly #mostBytes: number;
  readonly #records = new RecordReader(this);
  #slicer: Slicer | undefined;
  #tasks: TaskSeen[] = [];
  #agents: AgentSeen[] = [];
  #events: MesosEvent[] = [];
  #unread = 0;

  /** @param mostBytes  of one event, and of one element of the snapshot */
  constructor(names: RateNames, mostBytes: number) {
    this.#names = names;
    this.#mostBytes = mostBytes;
  }

  /** Events and elements that could not be read, and were left out. */
  get unread(): number {
    return this.#unread;
  }

  get midway(): boolean {
    return this.#records.midway;
  }

  /** @throws BadFraming, Unsliceable: nothing that follows can be trusted, what came before can */
  push(chunk: Buffer): void {
    this.#records.push(chunk);
  }

  /** The events that are whole since this was last asked. */
  take(): readonly MesosEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  part(bytes: Buffer): void {
    this.#slicer ??= createSlicer(this.#arrays(), this.#mostBytes);
    this.#slicer.push(bytes);
  }

  end(): void {
    const slicer = this.#slicer ?? createSlicer([], this.#mostBytes);
    this.#slicer = undefined;
    const raw = slicer.end();
    this.#noting(() => {
      const event = readEvent(raw, this.#names);
      if (event?.type === 'SUBSCRIBED')
        this.#events.push({ ...event, tasks: this.#tasks, agents: this.#agents });
      else if (event) this.#events.push(event);
    });
    this.#tasks = [];
    this.#agents = [];
  }

  #arrays(): readonly SlicedArray[] {
    const task = (element: Buffer): void => {
      const seen = pendingTask(element, this.#names);
      if (seen) this.#tasks.push(seen);
    };
    const agent = (element: Buffer): void => {
      const { agent_info: info } = JSON.parse(element.toString('utf8')) as { agent_info?: unknown };
      this.#agents.push(readAgentSeen(info));
    };
    const noting = (read: (element: Buffer) => void) => (element: Buffer) =>
      this.#noting(() => read(element));
    return [
      { path: inSnapshot('get_tasks.tasks'), visit: noting(task) },
      // tasks that wait for an authorizer, before Mesos 1.10
      { path: inSnapshot('get_tasks.pending_tasks'), visit: noting(task) },
      { path: inSnapshot('get_agents.agents'), visit: noting(agent) },
      ...SKIPPED.map((path) => ({ path: inSnapshot(path) })),
    ];
  }

  /** One strange event hides no other: the framing still holds. */
  #noting(read: () => void): void {
    try {
      read();
    } catch (fault: unknown) {
      if (!(fault instanceof BadMesosAnswer || fault instanceof SyntaxError)) throw fault;
      this.#unread += 1;
    }
  }
}

/**
 * A task of a long list, if it does not run yet. Most do, and are not read further than their state.
 *
 * @throws BadMesosAnswer, SyntaxError
 */
export function pendingTask(element: Buffer, names: RateNames): TaskSeen | undefined {
  const state = textAt(element, 'state');
  if (state !== undefined && !isPending(state)) return undefined;
  const task = readTask(JSON.parse(element.toString('utf8')), names);
  return isPending(task.state) ? task : undefined;
}
