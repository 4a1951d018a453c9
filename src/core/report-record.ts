import type { CapacityReport, Figures } from './capacity-record.ts';

/** How far a schedule has come. Key: its name. */
export interface ScheduleRecord {
  readonly v: 1;
  /** What the due times were computed by; another one starts anew. */
  readonly cron: string;
  readonly timezone: string;
  /** Due times up to here have their report, or were missed. */
  readonly lastDueMs: number;
  /** The newest report, by id. */
  readonly last?: string;
}

/** `waiting` to be tried, or tried again; `given up` for good. */
export type DeliveryState = 'waiting' | 'done' | 'given up';

/** One file or one webhook of one report. */
export interface Delivery {
  readonly to: 'file' | 'webhook';
  /** Of a file its format, of a webhook its name. */
  readonly name: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** When it is tried next; of what is not waiting, when it was last tried. */
  readonly atMs: number;
  /** Where the file is. */
  readonly path?: string;
  readonly fault?: string;
}

/** What is not delivered yet of one report; gone when nothing waits. Key: as the report's. */
export interface OutboxRecord {
  readonly v: 1;
  readonly deliveries: readonly Delivery[];
}

/** A report without its rows, which are kept apart and for less long. Key: schedule and stamp. */
export interface ReportRecord extends Omit<CapacityReport, 'rows'> {
  /** Of the total. */
  readonly figures: Figures;
  readonly change?: Figures;
  /** Rows, and the pieces that they are kept in. */
  readonly rows: number;
  readonly parts: number;
  /** What became of its files and webhooks; absent while something waits, and when there are none. */
  readonly deliveries?: readonly Delivery[];
}

/** The head that is kept of a report. */
export function headOf(report: CapacityReport, parts: number): ReportRecord {
  const { rows, doubts, waiting, ...head } = report;
  const total = rows.find(({ kind }) => kind === 'total');
  return {
    ...head,
    waiting: waiting.slice(0, MOST_WAITING),
    doubts: doubts.slice(0, MOST_DOUBTS),
    figures: total?.figures ?? {},
    ...(total?.change && { change: total.change }),
    rows: rows.length,
    parts,
  };
}

export const MOST_DOUBTS = 20;
export const MOST_WAITING = 100;
