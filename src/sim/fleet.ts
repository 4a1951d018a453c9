import type { Container, LaunchOrder } from './container.ts';
import { NoSuchNode } from './errors.ts';
import { type LifeDeps, Lives } from './lives.ts';
import { NOTHING, type SimNode, minus, plus } from './nodes.ts';
import type { Resources } from './specs/spec.ts';
import { type FleetWatcher, StatusFeed } from './status-feed.ts';

export interface FleetDeps extends LifeDeps {
  readonly nodes: readonly SimNode[];
}

/** The nodes and what really runs on them: the Mesos side of the pretend cluster. */
export class Fleet {
  readonly nodes: readonly SimNode[];
  /** Task -> container that has not ended. */
  readonly containers: ReadonlyMap<string, Container>;
  readonly ended: readonly Container[];
  readonly #lives: Lives;
  readonly #feed: StatusFeed;

  constructor(deps: FleetDeps) {
    this.#feed = new StatusFeed(deps);
    this.#lives = new Lives(deps, this.#feed);
    this.containers = this.#lives.running;
    this.ended = this.#lives.ended;
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
    this.#lives.launch(order);
  }

  /** Ends a container as `docker stop` would; unknown or ended ones are left alone. */
  kill(task: string): void {
    this.#lives.kill(task);
  }

  /** A process that ends by itself with `exit`; 0 reads as TASK_FINISHED. */
  crash(task: string, exit: number): void {
    this.#lives.crash(task, exit);
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
      this.#lives.gone(container, { ...gone, ...why });
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
}
