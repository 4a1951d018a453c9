import type { AgentSeen, MesosEvent } from './event-wire.ts';
import { appOfTask } from './app-of-task.ts';
import { isPending, type TaskSeen } from './task-wire.ts';

/** A task that was launched and does not run yet: it will ask for an address, or is about to. */
export interface StagingTask extends TaskSeen {
  /** The app or pod of Marathon's that it belongs to; absent for other frameworks' tasks. */
  readonly app?: string;
  /** When it was launched, as far as is known: when it was first heard of, ms since the epoch. */
  readonly sinceMs: number;
}

/** What is launched on one agent and does not run yet. */
export interface StagingAgent {
  readonly agentId: string;
  /** Absent while the agent has not been told of. */
  readonly hostname?: string;
  readonly tasks: readonly StagingTask[];
}

/** A reading of all tasks that is under way; see `Staging.reread`. */
export interface Reread {
  /** Takes the reading in: the tasks that do not run yet, all of them. */
  end(tasks: readonly TaskSeen[], nowMs: number): void;
  /** It came to nothing. */
  drop(): void;
}

const keyOf = ({ frameworkId, taskId }: Pick<TaskSeen, 'frameworkId' | 'taskId'>): string =>
  `${frameworkId}\n${taskId}`;

/**
 * The tasks of each agent that are launched and do not run yet: what an agent will be asked for beyond what
 * it has leased. Docker asks for an address only after the image is pulled, minutes after the launch.
 *
 * Events go in one by one and cost what they tell of, whatever the size of the cluster. No IO.
 */
export class Staging {
  readonly #tasks = new Map<string, StagingTask>();
  readonly #byAgent = new Map<string, Map<string, StagingTask>>();
  readonly #hostnames = new Map<string, string>();
  readonly #changed = new Set<string>();
  /** Keys touched since a reading began; the events are younger than what it will say. */
  #touched: Set<string> | undefined;
  #current = false;

  /** Between SUBSCRIBED and LOST. Otherwise this is how it was when the stream broke. */
  get current(): boolean {
    return this.#current;
  }

  get size(): number {
    return this.#tasks.size;
  }

  /** One agent's; empty for an agent that is not known. */
  on(agentId: string): StagingAgent {
    const hostname = this.#hostnames.get(agentId);
    const tasks = [...(this.#byAgent.get(agentId)?.values() ?? [])];
    return { agentId, ...(hostname !== undefined && { hostname }), tasks };
  }

  /** The agents that have such tasks. */
  agents(): readonly StagingAgent[] {
    return [...this.#byAgent.keys()].map((agentId) => this.on(agentId));
  }

  /** Agents whose tasks or name changed since this was last asked. */
  takeChanged(): ReadonlySet<string> {
    const changed = new Set(this.#changed);
    this.#changed.clear();
    return changed;
  }

  apply(event: MesosEvent, nowMs: number): void {
    switch (event.type) {
      case 'SUBSCRIBED':
        this.#begin(event.tasks, event.agents, nowMs);
        return;
      case 'TASK_ADDED':
        this.#hear(event.task, nowMs);
        return;
      case 'TASK_UPDATED':
        this.#update(keyOf(event), event.state);
        return;
      case 'AGENT_ADDED':
        this.#name(event.agent);
        return;
      case 'AGENT_REMOVED':
        this.#removeAgent(event.agentId);
        return;
      case 'LOST':
        this.#current = false;
        return;
      case 'HEARTBEAT':
        return;
    }
  }

  /**
   * To be said before all tasks are asked for: the answer is as old as the question, and events that come
   * in between are younger. Only one at a time.
   */
  reread(): Reread {
    const touched = new Set<string>();
    this.#touched = touched;
    const mine = (): boolean => this.#touched === touched;
    const drop = (): void => {
      if (mine()) this.#touched = undefined;
    };
    return {
      drop,
      end: (tasks, nowMs) => {
        // a new snapshot came meanwhile, which is younger in whole
        if (!mine()) return;
        this.#touched = undefined;
        this.#replace(tasks, touched, nowMs);
      },
    };
  }

  #begin(tasks: readonly TaskSeen[], agents: readonly AgentSeen[], nowMs: number): void {
    this.#touched = undefined;
    this.#current = true;
    const listed = new Set(agents.map(({ agentId }) => agentId));
    for (const agentId of [...this.#hostnames.keys()])
      if (!listed.has(agentId)) this.#unname(agentId);
    for (const agent of agents) this.#name(agent);
    this.#replace(tasks, new Set(), nowMs);
  }

  /** Makes `tasks` all there are, but for the keys that are younger than that. */
  #replace(tasks: readonly TaskSeen[], younger: ReadonlySet<string>, nowMs: number): void {
    const kept = new Set(tasks.map(keyOf));
    for (const key of [...this.#tasks.keys()])
      if (!kept.has(key) && !younger.has(key)) this.#remove(key);
    for (const task of tasks) if (!younger.has(keyOf(task))) this.#hear(task, nowMs);
  }

  #hear(task: TaskSeen, nowMs: number): void {
    const key = keyOf(task);
    this.#touched?.add(key);
    const known = this.#tasks.get(key);
    if (!isPending(task.state)) {
      this.#remove(key);
      return;
    }
    const app = appOfTask(task.taskId);
    const sinceMs = Math.min(nowMs, known?.sinceMs ?? nowMs, task.heardMs ?? nowMs);
    // the agent never changes in the life of a task id, but nothing here rests on that
    if (known && known.agentId !== task.agentId) this.#remove(key);
    this.#put(key, { ...task, ...(app !== undefined && { app }), sinceMs });
  }

  /** What is told of a task that is not here is told of one that runs. */
  #update(key: string, state: string): void {
    this.#touched?.add(key);
    const known = this.#tasks.get(key);
    if (!known) return;
    if (isPending(state)) this.#put(key, { ...known, state });
    else this.#remove(key);
  }

  #put(key: string, task: StagingTask): void {
    const { agentId } = task;
    this.#tasks.set(key, task);
    const mine = this.#byAgent.get(agentId) ?? new Map<string, StagingTask>();
    mine.set(key, task);
    this.#byAgent.set(agentId, mine);
    this.#changed.add(agentId);
  }

  #remove(key: string): void {
    const task = this.#tasks.get(key);
    if (!task) return;
    const mine = this.#byAgent.get(task.agentId);
    this.#tasks.delete(key);
    mine?.delete(key);
    if (mine?.size === 0) this.#byAgent.delete(task.agentId);
    this.#changed.add(task.agentId);
  }

  #name({ agentId, hostname }: AgentSeen): void {
    if (this.#hostnames.get(agentId) === hostname) return;
    this.#hostnames.set(agentId, hostname);
    this.#changed.add(agentId);
  }

  #removeAgent(agentId: string): void {
    for (const key of [...(this.#byAgent.get(agentId)?.keys() ?? [])]) {
      this.#touched?.add(key);
      this.#remove(key);
    }
    this.#unname(agentId);
  }

  #unname(agentId: string): void {
    if (this.#hostnames.delete(agentId)) this.#changed.add(agentId);
  }
}
