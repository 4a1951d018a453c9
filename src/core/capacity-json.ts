import type { CapacityReport, CapacityRow, Figures, MacLevel, RowKind } from './capacity-record.ts';
import type { Delivery, ReportRecord } from './report-record.ts';

/**
 * A report as programs get it, from every door: files, webhooks, the console and the CLI. Times are ISO
 * 8601, rates kbit/s; a figure that means nothing for a row is left out.
 */
export interface ReportShape {
  readonly id: string;
  readonly schedule: string;
  readonly at: string;
  readonly due?: string;
  /** It was made up after its time; `missed` due times before it have no report. */
  readonly late?: true;
  readonly missed?: number;
  /** When the report before was made, and which that was. */
  readonly since?: string;
  readonly before?: string;
  readonly revision: number;
  /** Counts of the period are lower bounds. */
  readonly atLeast?: true;
  readonly doubts: readonly string[];
  readonly waiting: readonly {
    readonly app: string;
    readonly allowed: number;
    readonly wanted: number;
    readonly since: string;
  }[];
}

/** With every row. */
export interface WholeReportShape extends ReportShape {
  readonly rows: readonly RowShape[];
}

/** Figures stand beside the name. */
export interface RowShape extends Figures {
  readonly kind: RowKind;
  readonly name: string;
  readonly change?: Figures;
  readonly macLevel?: MacLevel;
}

/** Without rows: the figures of all together, and what became of files and webhooks. */
export interface ReportHeadShape extends ReportShape {
  readonly figures: Figures;
  readonly change?: Figures;
  readonly rows: number;
  readonly deliveries: readonly DeliveryShape[];
}

export interface DeliveryShape extends Omit<Delivery, 'atMs'> {
  /** When it is tried next; of what is not waiting, when it was last tried. */
  readonly at: string;
}

const iso = (ms: number): string => new Date(ms).toISOString();

type Common = Omit<CapacityReport, 'rows'>;

const commonShape = ({ atMs, dueMs, sinceMs, waiting, ...rest }: Common): ReportShape => ({
  id: rest.id,
  schedule: rest.schedule,
  at: iso(atMs),
  ...(dueMs !== undefined && { due: iso(dueMs) }),
  ...(rest.late && { late: true, missed: rest.missed ?? 0 }),
  ...(sinceMs !== undefined && { since: iso(sinceMs) }),
  ...(rest.before !== undefined && { before: rest.before }),
  revision: rest.revision,
  ...(rest.atLeast && { atLeast: true }),
  doubts: rest.doubts,
  waiting: waiting.map(({ app, allowed, wanted, sinceMs: since }) => ({
    ...{ app, allowed, wanted },
    since: iso(since),
  })),
});

export const reportShape = (report: CapacityReport): WholeReportShape => ({
  ...commonShape(report),
  rows: report.rows.map(rowShape),
});

const rowShape = ({ kind, name, figures, change, level }: CapacityRow): RowShape => ({
  ...{ kind, name },
  ...figures,
  ...(change && { change }),
  ...(level && { macLevel: level }),
});

export const reportHeadShape = (record: ReportRecord): ReportHeadShape => ({
  ...commonShape(record),
  figures: record.figures,
  ...(record.change && { change: record.change }),
  rows: record.rows,
  deliveries: (record.deliveries ?? []).map(({ atMs, ...delivery }) => ({
    ...delivery,
    at: iso(atMs),
  })),
});
