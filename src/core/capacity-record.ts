/**
 * What a row of a capacity report counts, in the order of its columns: addresses by state, rates in
 * kbit/s, nodes, what the gate said in the period, and MACs. A figure that means nothing for a row is
 * absent from it, never 0.
 *
 * 1. pool, VLAN, total: size = leased + cooling + quarantined + promised + free; spare is part of free;
 * 2. node, rack, total: capacity = leased + promised + free, each way; free may be negative;
 * 3. `fencedFree` is the part of `free` in pools that fenced nodes alone reach, `fencedInKbit` and
 *    `fencedOutKbit` what is free on the links of fenced nodes: nobody is offered it;
 * 4. `reachable` is what is free in the pools that a node or rack reaches: shared, so it does not add up.
 */
export const FIGURES = [
  ...['size', 'leased', 'promised', 'spare', 'cooling', 'quarantined', 'free', 'reachable'],
  ...['capacityInKbit', 'leasedInKbit', 'promisedInKbit', 'freeInKbit'],
  ...['capacityOutKbit', 'leasedOutKbit', 'promisedOutKbit', 'freeOutKbit'],
  ...['nodes', 'fenced', 'fencedFree', 'fencedInKbit', 'fencedOutKbit', 'waiting'],
  ...['refused', 'rerouted', 'held', 'failed'],
  ...['macs', 'macLimit'],
] as const;

export type Figure = (typeof FIGURES)[number];
export type Figures = Readonly<Partial<Record<Figure, number>>>;

export const KINDS = ['total', 'pool', 'vlan', 'rack', 'node', 'group'] as const;
export type RowKind = (typeof KINDS)[number];

/** How near a VLAN is to what its switch can learn. */
export type MacLevel = 'good' | 'warn' | 'over';

/** One pool, VLAN, rack, node or top-level app group; or all of them. */
export interface CapacityRow {
  readonly kind: RowKind;
  /** Empty for the total. */
  readonly name: string;
  readonly figures: Figures;
  /** Against the report before, where that had the row; only what differs. */
  readonly change?: Figures;
  readonly level?: MacLevel;
}

/** An app that runs with fewer instances than asked. */
export interface WaitingApp {
  readonly app: string;
  readonly allowed: number;
  readonly wanted: number;
  readonly sinceMs: number;
}

/** What was where at one revision of the ledger. */
export interface CapacityReport {
  readonly v: 1;
  /** `<schedule>-<stamp>`. */
  readonly id: string;
  /** `now` for one that somebody asked for. */
  readonly schedule: string;
  readonly atMs: number;
  /** When it was due; absent for one that somebody asked for. */
  readonly dueMs?: number;
  /** It was made after its time; `missed` due times before it have no report of their own. */
  readonly late?: true;
  readonly missed?: number;
  /** The report before, which `change` and the counts of the period start at. */
  readonly sinceMs?: number;
  readonly before?: string;
  readonly revision: number;
  /** The logs do not reach back to `sinceMs`: the counts of the period are lower bounds. */
  readonly atLeast?: true;
  /** What the ledger says in two ways that do not agree, or cannot say. */
  readonly doubts: readonly string[];
  readonly waiting: readonly WaitingApp[];
  readonly rows: readonly CapacityRow[];
}

/** The row of leases without an app, nodes without a rack and pools without a VLAN. */
export const NOBODY = '(none)';
/** The row of all groups that a report does not tell by name. */
export const OTHERS = '(others)';
