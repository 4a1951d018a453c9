import type { Registry } from 'prom-client';
import type { Verdict } from '../core/verdict.ts';
import type { CapacityReport } from '../core/capacity-record.ts';
import type { FailureRecord } from '../core/failure-record.ts';
import type { AuditRecord } from '../core/limit-record.ts';
import type { HeldRecord } from '../core/held-record.ts';
import type { NetworkRecord } from '../core/topology-record.ts';
import type { ReservationRecord } from '../core/promise-record.ts';
import type { VerdictRecord } from '../core/verdict-record.ts';
import type { ReportRecord } from '../core/report-record.ts';
import type { LimitWish } from '../core/limit-edit.ts';
import type { NodeSeen, PoolSeen } from '../core/snapshot-seen.ts';
import type { Log } from '../plumbing/log.ts';
import type { JsonValue } from '../plumbing/strict-json.ts';
import type { FenceSeen } from './shapes/fence.ts';
import type { EditedParts, LimitParts } from './shapes/limits.ts';
import type { ReadyItem } from './shapes/ready.ts';

/** What the console reads of the picture that verdicts are computed on; core's Snapshot has it all. */
export interface SnapshotReader {
  nodes(): readonly NodeSeen[];
  node(name: string): NodeSeen | undefined;
  pools(): readonly PoolSeen[];
  networks(): ReadonlyMap<string, NetworkRecord>;
  reservations(): ReadonlyMap<string, ReservationRecord>;
  heldBy(app: string): number;
  owed(app: string): number;
}

/** The decision log; ledger/verdicts.ts has both, given a store. */
export interface VerdictReader {
  /** One page, newest first. */
  list(
    query: { readonly before?: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<{
    readonly verdicts: readonly { readonly id: string; readonly record: VerdictRecord }[];
    readonly next?: string;
  }>;
  get(id: string, signal: AbortSignal): Promise<VerdictRecord | undefined>;
}

/** Limits of the leases; ledger/limit-list.ts has it, given a store. */
export interface LimitReader {
  list(query: { readonly node?: string }, signal: AbortSignal): Promise<readonly LimitParts[]>;
}

/** Changes limits as the command line does; ledger/limit-edit.ts has it, given a store. */
export interface LimitWriter {
  /** @throws NoSuchHolding, UnknownNode, BadLimit, LimitPastLink, LedgerBusy, LedgerUnreachable */
  edit(edit: LimitEdit, signal: AbortSignal): Promise<EditedParts>;
}

export interface LimitEdit {
  readonly node: string;
  readonly address: string;
  /** `reset`: what the container's app asked for, else the network's default. */
  readonly wish: LimitWish | 'reset';
  readonly force?: true;
  readonly who: string;
  readonly why?: string;
}

/** Changes by people; ledger/audit.ts has it, given a store. */
export interface AuditReader {
  /** One page, newest first. */
  list(
    query: { readonly before?: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<{
    readonly entries: readonly { readonly id: string; readonly record: AuditRecord }[];
    readonly next?: string;
  }>;
}

/** Launches that nodes refused; ledger/failures.ts has it, given a store. */
export interface FailureReader {
  /** One page, newest minute first. */
  list(
    query: { readonly before?: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<{
    readonly failures: readonly { readonly id: string; readonly record: FailureRecord }[];
    readonly next?: string;
  }>;
}

/** Capacity reports; ledger/reports.ts has both, given a store. */
export interface ReportReader {
  /** Newest first. */
  list(
    query: { readonly schedule?: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly ReportRecord[]>;
  whole(id: string, signal: AbortSignal): Promise<CapacityReport | undefined>;
}

export interface HeldApp {
  readonly app: string;
  readonly record: HeldRecord;
}

/** Everything that the console shows, and what it changes, handed in. */
export interface ConsoleDeps {
  readonly snapshot: () => SnapshotReader;
  readonly verdicts: VerdictReader;
  readonly limits: LimitReader & LimitWriter;
  readonly audit: AuditReader;
  readonly reports: ReportReader;
  readonly failures: FailureReader;
  readonly fence: (signal: AbortSignal) => Promise<FenceSeen>;
  readonly held: (signal: AbortSignal) => Promise<readonly HeldApp[]>;
  /** Judges a definition as the gate would, reserving nothing. */
  readonly plan: (body: JsonValue, signal: AbortSignal) => Promise<Verdict>;
  readonly ready: (signal: AbortSignal) => Promise<readonly ReadyItem[]>;
  readonly registry: Registry;
  readonly log: Log;
  /** Host names to answer to beside localhost. */
  readonly names: readonly string[];
  readonly maxBodyBytes: number;
  /** Longest work on one answer. */
  readonly withinMs: number;
}
