import { capacityRows } from '../core/capacity.ts';
import { withChange } from '../core/capacity-change.ts';
import type { CapacityOptions } from '../core/capacity-facts.ts';
import type { CapacityReport, WaitingApp } from '../core/capacity-record.ts';
import type { NodeFacts } from '../core/facts.ts';
import type { HeldRecord } from '../core/held-record.ts';
import type { ReportSettings } from '../config/report.ts';
import { readCapacity } from '../ledger/capacity.ts';
import type { Read } from '../ledger/store.ts';

export interface ReportAsk {
  readonly id: string;
  readonly schedule: string;
  readonly nowMs: number;
  /** When it was due, and whether somebody should have made it long ago. */
  readonly due?: { readonly atMs: number; readonly late: boolean; readonly missed: number };
  /** What changes and counts start at. */
  readonly before?: CapacityReport;
  /** What Mesos says of the nodes, where somebody knows. */
  readonly nodeFacts?: ReadonlyMap<string, NodeFacts>;
  readonly settings: ReportSettings;
}

/** Reads the ledger and makes a report of it; nothing is kept. @throws LedgerUnreachable, Compacted */
export async function makeReport(
  read: Read,
  ask: ReportAsk,
  signal: AbortSignal,
): Promise<CapacityReport> {
  const { id, schedule, nowMs, due, before, nodeFacts, settings } = ask;
  const reading = await readCapacity(
    read,
    {
      nowMs,
      ...(nodeFacts && { nodeFacts }),
      ...(before && { sinceMs: before.atMs }),
    },
    signal,
  );
  const rows = capacityRows(reading.facts, optionsOf(settings));
  return {
    ...{ v: 1, id, schedule, atMs: nowMs, revision: reading.revision },
    ...(due && { dueMs: due.atMs, ...(due.late && { late: true, missed: due.missed }) }),
    ...(before && { sinceMs: before.atMs, before: before.id }),
    ...(reading.atLeast && { atLeast: true }),
    doubts: reading.doubts,
    waiting: waitingOf(reading.facts.held),
    rows: before ? withChange(rows, before.rows) : rows,
  };
}

/** Oldest first. */
const waitingOf = (held: ReadonlyMap<string, HeldRecord>): readonly WaitingApp[] =>
  [...held]
    .map(([app, { allowed, wanted, sinceMs }]) => ({ app, allowed, wanted, sinceMs }))
    .sort((one, other) => one.sinceMs - other.sinceMs);

function optionsOf(settings: ReportSettings): CapacityOptions {
  const { rackAttribute, macLimit, macLimits, macWarnPercent } = settings;
  const limits = new Map(macLimits.map(({ vlan, limit }) => [vlan, limit]));
  return {
    ...{ rackAttribute, macWarnPercent },
    macLimitOf: (vlan) => (vlan === undefined ? macLimit : (limits.get(vlan) ?? macLimit)),
  };
}
