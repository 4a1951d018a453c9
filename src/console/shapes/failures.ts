import type { FailureRecord } from '../../core/failure-record.ts';
import { timeText } from './promises.ts';

/** The launches of one app on one network that a node refused in one minute. Times are ISO 8601. */
export interface FailureShape {
  readonly id: string;
  readonly first: string;
  readonly last: string;
  readonly count: number;
  /** Absent where nobody can say whose launches they were. */
  readonly app?: string;
  readonly task?: string;
  readonly node: string;
  readonly network: string;
  readonly short: FailureRecord['short'];
  readonly why: string;
}

export const failureShape = (id: string, record: FailureRecord): FailureShape => ({
  id,
  first: timeText(record.sinceMs),
  last: timeText(record.atMs),
  count: record.count,
  ...(record.app !== undefined && { app: record.app }),
  ...(record.task !== undefined && { task: record.task }),
  node: record.node,
  network: record.network,
  short: record.short,
  why: record.why,
});
