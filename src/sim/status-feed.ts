import type { Agenda } from './agenda.ts';
import type { Chance } from './chance.ts';
import { type Container, type Status, isTerminal } from './container.ts';
import { type SimNode, isHeard } from './nodes.ts';

export interface FleetWatcher {
  launched?(container: Container): void;
  updated?(container: Container, status: Status): void;
  /** The address source refused: this launch fails for lack of an address. */
  refused?(container: Container, message: string): void;
  /** A node that was cut off is back. */
  returned?(node: SimNode): void;
  /** An agent id is no more. */
  removed?(node: SimNode, agentId: string): void;
  /** Room came back on a node. */
  freed?(node: SimNode): void;
}

/** A status yet to be stamped. */
export type What = Pick<Status, 'state' | 'source' | 'message'> & {
  readonly reason?: string | undefined;
};

/** Who hears what happens on the nodes, and what a node that is cut off has not told yet. */
export class StatusFeed {
  readonly #agenda: Agenda;
  readonly #chance: Chance;
  readonly #watchers = new Set<FleetWatcher>();
  /** Updates that a node cut off could not deliver; agents send them again. */
  #unsent: (readonly [Container, Status])[] = [];

  constructor({ agenda, chance }: { readonly agenda: Agenda; readonly chance: Chance }) {
    this.#agenda = agenda;
    this.#chance = chance;
  }

  watch(watcher: FleetWatcher): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  launched(container: Container): void {
    for (const watcher of this.#watchers) watcher.launched?.(container);
  }

  refused(container: Container, message: string): void {
    for (const watcher of this.#watchers) watcher.refused?.(container, message);
  }

  removed(node: SimNode, agentId: string): void {
    for (const watcher of this.#watchers) watcher.removed?.(node, agentId);
  }

  freed(node: SimNode): void {
    for (const watcher of this.#watchers) watcher.freed?.(node);
  }

  /** The container's state moves on; heard at once, or when its node is back. */
  report(container: Container, what: What): void {
    const status = this.#stamped(what);
    container.state = isTerminal(container.state) ? container.state : status.state;
    container.statuses.push(status);
    if (isHeard(container.order.node)) this.#tell(container, status);
    else this.#unsent.push([container, status]);
  }

  /** What the master says of a container by itself: no state of the container's own. */
  say(container: Container, what: What): void {
    this.#tell(container, this.#stamped(what));
  }

  /** The node is back: ends that it could not report are heard now. */
  returned(node: SimNode): void {
    for (const watcher of this.#watchers) watcher.returned?.(node);
    const late = this.#unsent.filter(([{ order }]) => order.node === node);
    this.#unsent = this.#unsent.filter(([{ order }]) => order.node !== node);
    for (const [container, status] of late)
      if (isTerminal(status.state)) this.#tell(container, status);
  }

  #stamped(what: What): Status {
    const { reason, ...rest } = what;
    const stamp = { atMs: this.#agenda.now(), uuid: this.#chance.uuid() };
    return { ...rest, ...(reason !== undefined && { reason }), ...stamp };
  }

  #tell(container: Container, status: Status): void {
    for (const watcher of this.#watchers) watcher.updated?.(container, status);
  }
}
