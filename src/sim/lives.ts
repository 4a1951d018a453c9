import type { AddressSource, Taken } from './addresses.ts';
import type { Agenda } from './agenda.ts';
import type { Chance } from './chance.ts';
import { type Container, type LaunchOrder, refusedStatus } from './container.ts';
import { isHeard } from './nodes.ts';
import { attributesOf } from './placement.ts';
import type { StatusFeed, What } from './status-feed.ts';
import type { Timing } from './timing.ts';

export interface LifeDeps {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly addresses: AddressSource;
  readonly timing: Timing;
}

/** Ended containers that Mesos still lists. */
const KEEP_ENDED = 500;

/** A container's way from its launch to its end: pull, address, start, end, address given back. */
export class Lives {
  /** Task -> container that has not ended. */
  readonly running = new Map<string, Container>();
  readonly ended: Container[] = [];
  readonly #deps: LifeDeps;
  readonly #feed: StatusFeed;

  constructor(deps: LifeDeps, feed: StatusFeed) {
    this.#deps = deps;
    this.#feed = feed;
  }

  launch(order: LaunchOrder): void {
    const container: Container = {
      order,
      task: order.taskIds[0] ?? order.instanceId,
      containerId: this.#deps.chance.uuid(),
      agentId: order.node.agentId,
      launchedMs: this.#deps.agenda.now(),
      state: 'TASK_STAGING',
      dying: false,
      holding: false,
      taking: false,
      addresses: [],
      statuses: [],
    };
    this.running.set(container.task, container);
    this.#feed.launched(container);
    this.#deps.agenda.after(this.#pullMs(order), () => this.#start(container));
  }

  /** Ends a container as `docker stop` would; unknown or ended ones are left alone. */
  kill(task: string): void {
    const container = this.running.get(task);
    if (!container || !isHeard(container.order.node) || container.dying) return;
    container.dying = true;
    if (container.state === 'TASK_RUNNING')
      this.#feed.report(container, {
        state: 'TASK_KILLING',
        source: 'SOURCE_EXECUTOR',
        message: '',
      });
    if (!container.taking) this.#endLater(container);
  }

  /** A process that ends by itself with `exit`; 0 reads as TASK_FINISHED. */
  crash(task: string, exit: number): void {
    const container = this.running.get(task);
    if (container?.state !== 'TASK_RUNNING' || container.dying) return;
    container.dying = true;
    const state = exit === 0 ? 'TASK_FINISHED' : 'TASK_FAILED';
    this.#end(container, {
      state,
      source: 'SOURCE_EXECUTOR',
      message: `Container exited with status ${exit}`,
    });
  }

  /** The agent that had it is no more. */
  gone(container: Container, what: What): void {
    // one that is being given its address ends once it has it
    if (container.taking) container.dying = true;
    else this.#end(container, what);
  }

  #pullMs({ spec, node }: LaunchOrder): number {
    if (spec.image === '' || node.images.has(spec.image)) return 0;
    const [low, high] = this.#deps.timing.pullMs;
    return this.#deps.chance.between(low, high);
  }

  #start(container: Container): void {
    const { spec, node } = container.order;
    if (container.dying || !this.running.has(container.task)) return;
    node.images.add(spec.image);
    this.#feed.report(container, {
      state: 'TASK_STARTING',
      source: 'SOURCE_EXECUTOR',
      message: '',
    });
    if (spec.networks.length === 0) this.#runSoon(container);
    else this.#deps.agenda.spawn(this.#take(container));
  }

  async #take(container: Container): Promise<void> {
    const { spec, node } = container.order;
    container.taking = true;
    const request = {
      node: node.name,
      attributes: attributesOf(node),
      task: container.task,
      app: spec.id,
      networks: spec.networks,
    };
    const taken = await this.#deps.addresses
      .take({ ...request, env: spec.env, labels: spec.networkLabels })
      .catch((fault: unknown): Taken => ({ ok: false, message: String(fault) }));
    container.taking = false;
    if (taken.ok) {
      container.addresses = taken.addresses;
      container.holding = true;
    }
    if (container.dying) this.#endLater(container);
    else if (taken.ok) this.#runSoon(container);
    else this.#refuse(container, taken.message);
  }

  #refuse(container: Container, message: string): void {
    this.#feed.refused(container, message);
    const how = refusedStatus(container.order.spec, container.containerId, message);
    this.#deps.agenda.after(this.#deps.timing.failMs, () => {
      if (!container.dying) this.#end(container, { state: 'TASK_FAILED', ...how });
    });
  }

  #runSoon(container: Container): void {
    this.#deps.agenda.after(this.#deps.timing.startMs, () => {
      if (container.dying) return;
      const fails = this.#deps.chance.next() < this.#deps.timing.startFailure;
      this.#feed.report(container, {
        state: 'TASK_RUNNING',
        source: 'SOURCE_EXECUTOR',
        message: '',
      });
      if (fails) this.crash(container.task, 1);
    });
  }

  #endLater(container: Container): void {
    this.#deps.agenda.after(this.#deps.timing.killMs, () =>
      this.#end(container, {
        state: 'TASK_KILLED',
        source: 'SOURCE_EXECUTOR',
        message: 'Container killed',
      }),
    );
  }

  /** Addresses go back before the end is reported, as the daemon tears the endpoint down first. */
  #end(container: Container, what: What): void {
    if (!this.running.has(container.task)) return;
    container.dying = true;
    const last = (): void => {
      this.running.delete(container.task);
      this.ended.push(container);
      if (this.ended.length > KEEP_ENDED) this.ended.shift();
      this.#feed.report(container, what);
      this.#feed.freed(container.order.node);
    };
    if (container.holding) this.#deps.agenda.spawn(this.#give(container).finally(last));
    else last();
  }

  async #give(container: Container): Promise<void> {
    container.holding = false;
    await this.#deps.addresses.give({ node: container.order.node.name, task: container.task });
  }
}
