import { type NodeFacts, sameAttributes, sameFacts } from './facts.ts';
import type { NodeRecord } from './topology-record.ts';
import type { TallyRecord } from './lease-record.ts';
import type { PoolBook } from './snapshot-pools.ts';

/** What is known about one node. */
export interface NodeKnown {
  readonly record?: NodeRecord;
  readonly facts?: NodeFacts;
  readonly tally?: TallyRecord;
  /** Pools that the node reaches, sorted. */
  readonly reach: readonly string[];
}

const NOWHERE: readonly string[] = [];

/** What is known about nodes, the pools that each reaches, and which have changed since they were looked at. */
export class NodeBook {
  readonly #nodes = new Map<string, NodeKnown>();
  readonly #pools: PoolBook;
  readonly #changed = new Set<string>();
  readonly #moved = new Set<string>();
  /** One array per set of pools: 10,000 nodes share a handful. */
  readonly #reaches = new Map<string, readonly string[]>();

  constructor(pools: PoolBook) {
    this.#pools = pools;
  }

  get all(): ReadonlyMap<string, NodeKnown> {
    return this.#nodes;
  }

  /** Nodes that changed since `settled`. Live. */
  get changed(): ReadonlySet<string> {
    return this.#changed;
  }

  of(name: string): NodeKnown {
    return this.#nodes.get(name) ?? { reach: NOWHERE };
  }

  /** @returns whether anything is new */
  setRecord(name: string, record: NodeRecord | undefined): boolean {
    const { record: known, ...rest } = this.of(name);
    if (known === record) return false;
    this.#put(name, { ...rest, ...(record && { record }) });
    this.#moved.add(name);
    return true;
  }

  /** @returns whether anything is new */
  setFacts(name: string, facts: NodeFacts | undefined): boolean {
    const { facts: known, ...rest } = this.of(name);
    if (known === facts || (known && facts && sameFacts(known, facts))) return false;
    this.#put(name, { ...rest, ...(facts && { facts }) });
    // a poll changes figures, seldom attributes; only these decide what a node reaches
    if (!known || !facts || !sameAttributes(known.attributes, facts.attributes))
      this.#moved.add(name);
    return true;
  }

  /** @returns the tally before */
  setTally(name: string, record: TallyRecord | undefined): TallyRecord | undefined {
    const { tally, ...rest } = this.of(name);
    this.#put(name, { ...rest, ...(record && { tally: record }) });
    return tally;
  }

  /** Pools changed or moved between networks: every node may reach others now. */
  topologyChanged(): void {
    this.#reaches.clear();
    for (const name of this.#nodes.keys()) this.#moved.add(name);
  }

  /** Finds anew what nodes reach, where that may differ. @returns whether it does anywhere */
  refresh(): boolean {
    let differs = false;
    for (const name of this.#moved) if (this.#computeReach(name)) differs = true;
    this.#moved.clear();
    return differs;
  }

  /** All changes have been looked at. */
  settled(): void {
    this.#changed.clear();
  }

  #put(name: string, node: NodeKnown): void {
    if (node.record ?? node.facts ?? node.tally) this.#nodes.set(name, node);
    else this.#nodes.delete(name);
    this.#changed.add(name);
  }

  #computeReach(name: string): boolean {
    const node = this.#nodes.get(name);
    const reach = node?.record ? this.#reachOf(name, node.record, node.facts) : NOWHERE;
    if (node?.reach === reach) return false;
    if (node) this.#nodes.set(name, { ...node, reach });
    this.#changed.add(name);
    return true;
  }

  #reachOf(name: string, record: NodeRecord, facts: NodeFacts | undefined): readonly string[] {
    const attributes = { ...facts?.attributes, ...record.attributes };
    const pools = this.#pools.reachedBy(name, attributes);
    const key = pools.join(' ');
    const known = this.#reaches.get(key) ?? pools;
    this.#reaches.set(key, known);
    return known;
  }
}
