import { type Counts, spread, sumOf, trim } from './owed.ts';
import type { ReservationRecord } from './promise-record.ts';
import type { Witness } from './room.ts';
import type { LeaseCounts } from './snapshot-leases.ts';
import type { Promised } from './snapshot-nodes.ts';
import { Places } from './snapshot-places.ts';
import type { PoolBook } from './snapshot-pools.ts';

/** One app's promise, and the proof of where it can be kept. */
interface Plan {
  readonly record: ReservationRecord;
  readonly base: Witness;
  /** Instances that the app had on the witness's nodes when the proof was made. */
  readonly before: Counts;
}

export interface PlanParts {
  readonly leases: LeaseCounts;
  readonly pools: PoolBook;
  /** Pools that a node reaches. */
  readonly reach: (node: string) => readonly string[];
}

/** Places whose promises changed since the last refresh. */
export interface Touched {
  readonly nodes: Set<string>;
  readonly pools: Set<string>;
}

const NONE: Counts = new Map();

const growthOf = (record: ReservationRecord | undefined): readonly [number, number] =>
  record ? [record.growInKbit, record.growOutKbit] : [0, 0];

/**
 * The room promised to admitted apps and not yet taken, by node and by pool. What is still owed follows
 * the leases; a witness is only one proof, so its places are given up as leases turn up elsewhere.
 */
export class PlanBook {
  readonly #parts: PlanParts;
  readonly #plans = new Map<string, Plan>();
  readonly #growing = new Set<string>();
  readonly #nodes = new Places();
  readonly #pools = new Places();
  /** Addresses owed beyond what a witness places: counted off wherever some are free. */
  readonly #loose = new Places();
  readonly #short = new Set<string>();
  readonly #changed = new Set<string>();
  #touched: Touched = { nodes: new Set(), pools: new Set() };

  constructor(parts: PlanParts) {
    this.#parts = parts;
  }

  get(app: string): ReservationRecord | undefined {
    return this.#plans.get(app)?.record;
  }

  *records(): Generator<[string, ReservationRecord]> {
    for (const [app, { record }] of this.#plans) yield [app, record];
  }

  /** A record of the same promise (an answer filled in) keeps the proof that is in force. */
  set(app: string, record: ReservationRecord | undefined): void {
    const known = this.#plans.get(app);
    this.#grow(app, record);
    for (const node of this.#nodes.of(app).keys()) this.#touched.nodes.add(node);
    this.#changed.add(app);
    if (record === undefined) this.#plans.delete(app);
    else if (known && known.record.id === record.id && known.record.sequence === record.sequence)
      this.#plans.set(app, { ...known, record });
    else this.#plan(app, record, { nodes: new Map(record.witness), pools: new Map(record.draws) });
  }

  replan(app: string, witness: Witness): void {
    const record = this.get(app);
    if (record) this.#plan(app, record, witness);
  }

  #plan(app: string, record: ReservationRecord, base: Witness): void {
    const held = this.#parts.leases.heldOn(app);
    const before = new Map([...base.nodes.keys()].map((node) => [node, held.get(node) ?? 0]));
    this.#plans.set(app, { record, base, before });
    this.#changed.add(app);
  }

  #grow(app: string, record: ReservationRecord | undefined): void {
    const [inKbit, outKbit] = growthOf(record);
    const before = growthOf(this.get(app));
    if (before[0] === inKbit && before[1] === outKbit) return;
    for (const node of this.#parts.leases.heldOn(app).keys()) this.#touched.nodes.add(node);
    if (inKbit !== 0 || outKbit !== 0) this.#growing.add(app);
    else this.#growing.delete(app);
  }

  leasesChanged(app: string): void {
    if (this.#plans.has(app)) this.#changed.add(app);
  }

  topologyChanged(): void {
    for (const app of this.#plans.keys()) this.#changed.add(app);
  }

  owed(app: string): number {
    const target = this.get(app)?.target ?? 0;
    return Math.max(0, target - this.#parts.leases.heldBy(app));
  }

  /** Brings every promise up to date. @returns the places that have to be computed again */
  refresh(): Touched {
    for (const app of this.#changed) this.#derive(app);
    this.#changed.clear();
    this.#spreadLoose();
    const touched = this.#touched;
    this.#touched = { nodes: new Set(), pools: new Set() };
    return touched;
  }

  #derive(app: string): void {
    const plan = this.#plans.get(app);
    const nodes = plan ? this.#nodesLeft(app, plan) : NONE;
    const pools = plan ? this.#poolsLeft(app, plan, nodes) : NONE;
    for (const node of this.#nodes.put(app, nodes)) this.#touched.nodes.add(node);
    for (const pool of this.#pools.put(app, pools)) this.#touched.pools.add(pool);
    const short =
      plan !== undefined &&
      (this.owed(app) > sumOf(nodes) || this.#missing(app, plan.record).length > 0);
    if (short) this.#short.add(app);
    else this.#short.delete(app);
  }

  #nodesLeft(app: string, { base, before }: Plan): Counts {
    const held = this.#parts.leases.heldOn(app);
    return trim(
      base.nodes,
      this.owed(app),
      (node) => (held.get(node) ?? 0) - (before.get(node) ?? 0),
    );
  }

  /** Per network: an instance that holds one of its two addresses still needs the other. */
  #poolsLeft(app: string, { base, record }: Plan, nodesLeft: Counts): Counts {
    const gone = [...base.nodes].map(([node, count]) => ({
      count: count - (nodesLeft.get(node) ?? 0),
      pools: this.#parts.reach(node),
    }));
    const landed = (pool: string): number =>
      gone.reduce((sum, { count, pools }) => sum + (pools.includes(pool) ? count : 0), 0);
    return new Map(
      record.demand.addresses.flatMap(({ network }) => {
        const drawn = [...base.pools].filter(([p]) => this.#parts.pools.networkOf(p) === network);
        const keep = record.target - this.#parts.leases.heldOf(app, network);
        return [...trim(new Map(drawn), keep, landed)];
      }),
    );
  }

  #missing(app: string, { demand }: ReservationRecord): (readonly [string, number])[] {
    const drawn = [...this.#pools.of(app)];
    return demand.addresses.flatMap(({ network }): (readonly [string, number])[] => {
      const own = drawn.filter(([pool]) => this.#parts.pools.networkOf(pool) === network);
      const missing = this.owed(app) - sumOf(new Map(own));
      return missing > 0 ? [[network, missing]] : [];
    });
  }

  /** In order of name, so that the outcome depends on the state alone. */
  #spreadLoose(): void {
    for (const app of [...this.#loose.apps()]) this.#putLoose(app, NONE);
    for (const app of [...this.#short].sort()) {
      const record = this.get(app);
      const missing = record ? this.#missing(app, record) : [];
      this.#putLoose(
        app,
        new Map(missing.flatMap(([network, count]) => [...spread(count, this.#freeOf(network))])),
      );
    }
  }

  #putLoose(app: string, counts: Counts): void {
    for (const pool of this.#loose.put(app, counts)) this.#touched.pools.add(pool);
  }

  #freeOf(network: string): (readonly [string, number])[] {
    const { pools } = this.#parts;
    return pools
      .poolsOf(network)
      .map((pool) => [pool, pools.counts(pool).unheld - this.drawnFrom(pool)] as const);
  }

  /** Apps whose witness does not cover what is owed. */
  short(): ReadonlySet<string> {
    return this.#short;
  }

  /** Addresses promised out of a pool. */
  drawnFrom(pool: string): number {
    return this.#pools.total(pool) + this.#loose.total(pool);
  }

  /** What one app's promise still sets aside; addresses without a place of their own included. */
  placesOf(app: string): Witness {
    const pools = new Map(this.#pools.of(app));
    for (const [pool, count] of this.#loose.of(app))
      pools.set(pool, (pools.get(pool) ?? 0) + count);
    return { nodes: this.#nodes.of(app), pools };
  }

  appsOn(node: string): Iterable<string> {
    return this.#nodes.at(node).keys();
  }

  /** Instances promised to `node` and not there yet, by app. Live. */
  countsOn(node: string): Counts {
    return this.#nodes.at(node);
  }

  appsDrawing(pool: string): string[] {
    return [...this.#pools.at(pool).keys(), ...this.#loose.at(pool).keys()];
  }

  promisedOn(node: string, except: ReadonlySet<string>): Promised[] {
    return [...this.#nodes.at(node)].flatMap(([app, count]) => {
      const record = this.get(app);
      return record && !except.has(app) ? [{ count, demand: record.demand }] : [];
    });
  }

  growthOn(node: string, except: ReadonlySet<string>): { inKbit: number; outKbit: number } {
    const growth = { inKbit: 0, outKbit: 0 };
    for (const app of this.#growing) {
      const held = except.has(app) ? 0 : (this.#parts.leases.heldOn(app).get(node) ?? 0);
      growth.inKbit += held * (this.get(app)?.growInKbit ?? 0);
      growth.outKbit += held * (this.get(app)?.growOutKbit ?? 0);
    }
    return growth;
  }

  /** Nodes whose room would differ without this app's promise. */
  nodesTouchedBy(app: string): string[] {
    const growing = this.#growing.has(app) ? [...this.#parts.leases.heldOn(app).keys()] : [];
    return [...this.#nodes.of(app).keys(), ...growing];
  }
}
