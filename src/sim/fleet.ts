import type { AddressSource, Taken } from './addresses.ts';
import type { Agenda } from './agenda.ts';
import type { Chance } from './chance.ts';
import { type Container, type LaunchOrder, refusedStatus } from './container.ts';
import { NoSuchNode } from './errors.ts';
import { NOTHING, type SimNode, isHeard, minus, plus } from './nodes.ts';
import { attributesOf } from './placement.ts';
import type { Resources } from './specs/spec.ts';
import { type FleetWatcher, StatusFeed, type What } from './status-feed.ts';
import type { Timing } from './timing.ts';

export interface FleetDeps {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly addresses: AddressSource;
  readonly timing: Timing;
  readonly nodes: readonly SimNode[];
}

/** Ended containers that Mesos still lists. */
const KEEP_ENDED = 500;

/** The nodes and what really runs on them: the Mesos side of the pretend cluster. */
export class Fleet {
  readonly nodes: readonly SimNode[];
  /** Task -> container that has not ended. */
  readonly containers = new Map<string, Container>();
  readonly ended: Container[] = [];
  readonly #deps: FleetDeps;
  readonly #feed: StatusFeed;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    this.#feed = new StatusFeed(deps);
    this.nodes = deps.nodes;
  }

  watch(watcher: FleetWatcher): () => void {
    return this.#feed.watch(watcher);
  }

  /** @throws NoSuchNode */
  node(name: string): SimNode {
    const found = this.nodes.find((node) => node.name === name);
    if (!found) throw new NoSuchNode(name);
    return found;
  }

  on(node: SimNode): Container[] {
    return [...this.containers.values()].filter(({ order }) => order.node === node);
  }

  used(node: SimNode): Resources {
    const parts = this.on(node).map(({ order }) => order.spec.resources);
    return parts.reduce(plus, NOTHING);
  }

  free(node: SimNode): Resources {
    return minus(minus(node.total, node.filler), this.used(node));
  }

  usedPorts(node: SimNode): Set<number> {
    return new Set(this.on(node).flatMap(({ order }) => order.ports));
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
    this.containers.set(container.task, container);
    this.#feed.launched(container);
    this.#deps.agenda.after(this.#pullMs(order), () => this.#start(container));
  }

  /** Ends a container as `docker stop` would; unknown or ended ones are left alone. */
  kill(task: string): void {
    const container = this.containers.get(task);
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
    const container = this.containers.get(task);
    if (container?.state !== 'TASK_RUNNING' || container.dying) return;
    container.dying = true;
    const state = exit === 0 ? 'TASK_FINISHED' : 'TASK_FAILED';
    this.#end(container, {
      state,
      source: 'SOURCE_EXECUTOR',
      message: `Container exited with status ${exit}`,
    });
  }

  /** Cuts a node off: containers live on, the framework hears that they are lost. */
  partition(node: SimNode): void {
    if (!node.reachable) return;
    node.reachable = false;
    // a leader that has not heard of its tasks cannot say that they are lost
    if (!node.recovered) this.#lose(node);
  }

  /** A leader waits no longer for an agent that it knows from the registry only. */
  giveUp(node: SimNode): void {
    if (!node.recovered) return;
    node.recovered = false;
    if (!node.reachable) this.#lose(node);
  }

  #lose(node: SimNode): void {
    for (const container of this.on(node))
      this.#feed.say(container, {
        state: 'TASK_UNREACHABLE',
        source: 'SOURCE_MASTER',
        reason: 'REASON_SLAVE_REMOVED',
        message: 'Agent became unreachable',
      });
  }

  /** The node is back and reports what it still runs. */
  heal(node: SimNode): void {
    if (node.reachable) return;
    node.reachable = true;
    node.recovered = false;
    this.#admit(node);
  }

  /** The node registers with a new leader, unless it is cut off. */
  readmit(node: SimNode): void {
    if (!node.recovered || !node.reachable) return;
    node.recovered = false;
    this.#admit(node);
  }

  /** The node is somebody new: what ran on it is gone. */
  renew(node: SimNode, agentId: string): void {
    const { agentId: before } = node;
    Object.assign(node, { agentId, reachable: true, recovered: false });
    this.#feed.removed(node, before);
    this.#feed.returned(node);
    for (const container of this.on(node)) {
      const gone = { state: 'TASK_GONE', source: 'SOURCE_MASTER' } as const;
      const why = { reason: 'REASON_SLAVE_REMOVED', message: 'Agent was replaced' };
      // one that is being given its address ends once it has it
      if (container.taking) container.dying = true;
      else this.#end(container, { ...gone, ...why });
    }
  }

  #admit(node: SimNode): void {
    this.#feed.returned(node);
    for (const container of this.on(node)) {
      this.#feed.launched(container);
      this.#feed.say(container, {
        state: container.state,
        source: 'SOURCE_MASTER',
        message: 'Agent re-registered',
      });
    }
  }

  #pullMs({ spec, node }: LaunchOrder): number {
    if (spec.image === '' || node.images.has(spec.image)) return 0;
    const [low, high] = this.#deps.timing.pullMs;
    return this.#deps.chance.between(low, high);
  }

  #start(container: Container): void {
    const { spec, node } = container.order;
    if (container.dying || !this.containers.has(container.task)) return;
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
    if (!this.containers.has(container.task)) return;
    container.dying = true;
    const last = (): void => {
      this.containers.delete(container.task);
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
