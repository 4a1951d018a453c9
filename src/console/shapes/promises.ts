import type { Demand } from '../../core/demand.ts';
import type { HeldRecord } from '../../core/held-record.ts';
import type { ReservationRecord } from '../../core/promise-record.ts';

/** Room promised to an admitted app. Times are ISO 8601. */
export interface ReservationShape {
  readonly app: string;
  readonly id: string;
  /** Most instances that will exist at once. */
  readonly target: number;
  /** Of them, those that hold their leases. */
  readonly held: number;
  /** Of them, those still to come. */
  readonly owed: number;
  readonly demand: Demand;
  /** Where the owed instances fit: one proof, by node. */
  readonly witness: Readonly<Record<string, number>>;
  readonly until: ReservationRecord['until'];
  readonly since: string;
  readonly deadline: string;
  /** Absent while Marathon has not said what it did. */
  readonly deployment?: string;
}

export const reservationShape = (
  app: string,
  record: ReservationRecord,
  { held, owed }: { readonly held: number; readonly owed: number },
): ReservationShape => ({
  app,
  id: record.id,
  target: record.target,
  held,
  owed,
  demand: record.demand,
  witness: Object.fromEntries(record.witness),
  until: record.until,
  since: timeText(record.sinceMs),
  deadline: timeText(record.deadlineMs),
  ...(record.deployment !== undefined && { deployment: record.deployment }),
});

/** An app that runs with fewer instances than asked. */
export interface HeldShape {
  readonly app: string;
  readonly wanted: number;
  readonly allowed: number;
  readonly why: string;
  readonly since: string;
  readonly by: 'gate' | 'brake';
  /** `stopped`: it grew in vain too often, and waits for an operator. */
  readonly state: 'waiting' | 'stopped';
  readonly priority: number;
  /** Times that it grew in vain since it last got further. */
  readonly cycles: number;
  /** The newest verdict on it. */
  readonly verdict?: string;
}

export const heldShape = (app: string, record: HeldRecord): HeldShape => ({
  app,
  wanted: record.wanted,
  allowed: record.allowed,
  why: record.why,
  since: timeText(record.sinceMs),
  by: record.by ?? 'gate',
  state: record.stoppedMs === undefined ? 'waiting' : 'stopped',
  priority: record.priority ?? 0,
  cycles: record.cycles ?? 0,
  ...(record.verdict !== undefined && { verdict: record.verdict }),
});

/** Milliseconds since the epoch as ISO 8601. */
export const timeText = (ms: number): string => new Date(ms).toISOString();
