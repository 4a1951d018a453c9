import type { NodeFacts } from './facts.ts';
import type { BlockRecord, TallyRecord } from './lease-record.ts';
import type { NetworkRecord, NodeRecord, PoolRecord } from './topology-record.ts';
import type { ReservationRecord } from './promise-record.ts';
import type { Room, Witness } from './room.ts';
import { NodeBook } from './snapshot-known.ts';
import { LeaseCounts } from './snapshot-leases.ts';
import { PlanBook } from './snapshot-plans.ts';
import { PoolBook } from './snapshot-pools.ts';
import { Rooms } from './snapshot-rooms.ts';
import {
  type NodeSeen,
  poolsSeen,
  type PoolSeen,
  type PoolStock,
  stocksOf,
} from './snapshot-seen.ts';
import { SpareBook } from './snapshot-spares.ts';

/**
 * The picture that verdicts are computed on, kept in step with the ledger and with Mesos one change at
 * a time: a change costs what it touches, and reading computes only what changed since the last reading.
 *
 * Held against a computation from scratch in test/core/snapshot.test.ts:
 * 1. the outcome depends on what is set, not on the order, but for where a promise's leases landed;
 * 2. at least `owed(app)` addresses of each network of a promise are counted off while any are free;
 * 3. a NodeRoom or PoolRoom is never written to: a changed one is a new object.
 */
export class Snapshot {
  readonly #leases = new LeaseCounts();
  readonly #pools = new PoolBook();
  readonly #nodes = new NodeBook(this.#pools);
  readonly #plans = new PlanBook({
    leases: this.#leases,
    pools: this.#pools,
    reach: (node) => this.#nodes.of(node).reach,
  });
  readonly #rooms = new Rooms({ nodes: this.#nodes.all, pools: this.#pools, plans: this.#plans });
  readonly #spares = new SpareBook((pool, n) => this.#pools.wholeOf(pool, n));
  readonly #dirtyPools = new Set<string>();
  #topologyChanged = false;
  #homeRegion: string | undefined;
  #version = 0;
  #computed = 0;

  /** Grows with every change; equal versions mean equal answers. */
  get version(): number {
    return this.#version;
  }

  setNetwork(name: string, record: NetworkRecord | undefined): void {
    this.#pools.setNetwork(name, record);
    this.#topology();
  }

  /** @throws BadAddress, BadCidr, BadRange and changes nothing */
  setPool(name: string, record: PoolRecord | undefined): void {
    this.#pools.setPool(name, record);
    this.#dirtyPools.add(name);
    this.#topology();
  }

  /** @param n  the block's index, counted from the start of the pool's cidr */
  setBlock(pool: string, n: bigint, record: BlockRecord | undefined): void {
    this.#pools.setBlock(pool, n, record);
    this.#spares.changed(pool, n);
    this.#touchPool(pool);
  }

  setNode(name: string, record: NodeRecord | undefined): void {
    if (this.#nodes.setRecord(name, record)) this.#version++;
  }

  setFacts(name: string, facts: NodeFacts | undefined): void {
    if (this.#nodes.setFacts(name, facts)) this.#version++;
  }

  /** What Mesos says now about all nodes: one it no longer names is unknown to it. */
  replaceFacts(facts: ReadonlyMap<string, NodeFacts>): void {
    for (const name of [...this.#nodes.all.keys()])
      if (!facts.has(name)) this.setFacts(name, undefined);
    for (const [name, one] of facts) this.setFacts(name, one);
  }

  setTally(node: string, record: TallyRecord | undefined): void {
    const before = this.#nodes.setTally(node, record);
    this.#version++;
    for (const [pool, n] of this.#pools.setReserve(node, before?.reserve, record?.reserve)) {
      this.#touchPool(pool);
      this.#spares.changed(pool, n);
    }
    for (const app of this.#leases.change(node, before, record)) this.#plans.leasesChanged(app);
  }

  setReservation(app: string, record: ReservationRecord | undefined): void {
    this.#plans.set(app, record);
    this.#version++;
  }

  /** Another proof for a promise, in this picture only; gone when the promise is made anew. */
  replan(app: string, witness: Witness): void {
    this.#plans.replan(app, witness);
    this.#version++;
  }

  /** Lets addresses cool down. Until it is first called, cooling addresses count as free. */
  setNow(nowMs: number): void {
    for (const pool of this.#pools.setNow(nowMs)) this.#touchPool(pool);
  }

  #touchPool(pool: string): void {
    this.#dirtyPools.add(pool);
    this.#version++;
  }

  #topology(): void {
    this.#topologyChanged = true;
    this.#version++;
  }

  #compute(): Rooms {
    if (this.#computed === this.#version) return this.#rooms;
    if (this.#topologyChanged) this.#recomputeTopology();
    if (this.#nodes.refresh()) this.#plans.topologyChanged();
    const touched = this.#plans.refresh();
    for (const name of new Set([...this.#dirtyPools, ...touched.pools]))
      this.#rooms.computePool(name);
    for (const name of new Set([...this.#nodes.changed, ...touched.nodes]))
      this.#rooms.computeNode(name);
    this.#dirtyPools.clear();
    this.#nodes.settled();
    this.#computed = this.#version;
    return this.#rooms;
  }

  #recomputeTopology(): void {
    this.#topologyChanged = false;
    this.#plans.topologyChanged();
    this.#nodes.topologyChanged();
    for (const pool of this.#pools.names()) this.#dirtyPools.add(pool);
  }

  /** The Mesos master's own region: apps that name none stay in it. */
  setHomeRegion(region: string | undefined): void {
    this.#homeRegion = region;
  }

  get homeRegion(): string | undefined {
    return this.#homeRegion;
  }

  #atHome(room: Room): Room {
    return this.#homeRegion === undefined ? room : { ...room, homeRegion: this.#homeRegion };
  }

  /** Every promise taken off. Live: valid until the next change, so read it in one go. */
  room(): Room {
    return this.#atHome(this.#compute().room);
  }

  /** As if these apps had been promised nothing, for judging them again; good until asked again, too. */
  roomWithout(apps: readonly string[]): Room {
    return this.#atHome(this.#compute().without(apps));
  }

  /**
   * Apps, sorted, whose promise has to be placed again: more is owed than its witness places, or a node
   * or pool of it no longer has the room. Placing one again may settle others, so ask again.
   */
  stale(): readonly string[] {
    return this.#compute().stale();
  }

  /** Where a promise is still set aside, by node and by pool; empty when nothing is owed. */
  placesOf(app: string): Witness {
    this.#compute();
    return this.#plans.placesOf(app);
  }

  /** Instances of `app` as the tallies show them: the most leases on one of its networks. */
  heldBy(app: string): number {
    return this.#leases.heldBy(app);
  }

  /** Instances of `app` by node. Live, as `room` is. */
  heldOn(app: string): ReadonlyMap<string, number> {
    return this.#leases.heldOn(app);
  }

  /** Instances promised to `app` that hold no lease yet; 0 without a promise. */
  owed(app: string): number {
    return this.#plans.owed(app);
  }

  /** Instances promised to a node and not there yet, by app. Live, as `room` is. */
  promisedOn(node: string): ReadonlyMap<string, number> {
    this.#compute();
    return this.#plans.countsOn(node);
  }

  /** Addresses that a node keeps in stock, by pool. */
  sparesOf(node: string): ReadonlyMap<string, number> {
    return this.#spares.of(node);
  }

  /** Pools that some network has, by name. */
  poolStocks(): Map<string, PoolStock> {
    this.#compute();
    return stocksOf(this.#pools, this.#plans);
  }

  reservation(app: string): ReservationRecord | undefined {
    return this.#plans.get(app);
  }

  reservations(): ReadonlyMap<string, ReservationRecord> {
    return new Map(this.#plans.records());
  }

  networks(): ReadonlyMap<string, NetworkRecord> {
    return this.#pools.networks;
  }

  facts(): Map<string, NodeFacts> {
    const known = new Map<string, NodeFacts>();
    for (const [name, { facts }] of this.#nodes.all) if (facts) known.set(name, facts);
    return known;
  }

  node(name: string): NodeSeen | undefined {
    const room = this.room().nodes.get(name);
    return room && { name, ...this.#nodes.of(name), room };
  }

  /** Nodes known to Mesos or to the ledger, in order of name. */
  nodes(): NodeSeen[] {
    const names = [...this.room().nodes.keys()].sort();
    return names.flatMap((name) => this.node(name) ?? []);
  }

  /** Pools in order of name, those of no network included. */
  pools(): PoolSeen[] {
    this.#compute();
    return poolsSeen(this.#pools, this.#plans);
  }
}
