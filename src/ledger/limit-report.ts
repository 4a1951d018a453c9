import type { Rates } from '../core/limit-edit.ts';
import { restoredLimit } from '../core/limit-edit.ts';
import type { AuditRecord, LimitStatusRecord } from '../core/limit-record.ts';
import type { CountedLimit } from '../core/lease-record.ts';
import { auditId, auditWrite, getAudit } from './audit.ts';
import { keys } from './keys.ts';
import type { Holding, SeenLimit } from './limit-change.ts';
import { placeOf, seeLimit, soundRecord } from './limit-change.ts';
import type { EditOptions } from './limit-edit.ts';
import { audited } from './limit-edit.ts';
import { inForceOn, seeNode, standingOf } from './limit-room.ts';
import { readStatus, statusWrite } from './limit-status.ts';
import type { Read, Store } from './store.ts';
import type { Decision } from './transact.ts';
import { transact } from './transact.ts';

/** What the kernel was found to do with a limit. */
export interface LimitReport extends Rates {
  readonly address: string;
  /** Why it is not enforced; absent when what was read back is what was asked for. */
  readonly fault?: string;
  /** It could not be tried just now: an edit that waits goes on waiting. */
  readonly passing?: true;
}

/**
 * `stale`: the limit in force is another one by now, so nothing was noted. `waiting`: the edit could not be
 * tried yet, so nothing is said of it.
 */
export type Reported = 'noted' | 'put back' | 'known' | 'stale' | 'waiting';

const ATTEMPTS = 64;

/**
 * Notes what the kernel made of a limit. An edit that it carried out is `enforced`; one that it did not is
 * undone: the former limit is in force again, and status and audit say why. The former limit is the one that
 * the audit remembers, so this holds whatever crashed in between.
 *
 * @throws BadRecord, UnknownNode, LedgerBusy, LedgerUnreachable
 */
export const reportLimit = (
  store: Store,
  { node, ...report }: LimitReport & Holding,
  options: EditOptions,
): Promise<Reported> =>
  transact(store, (read) => decideReport(read, node, report, options), {
    attempts: ATTEMPTS,
    ...options,
  });

async function decideReport(
  read: Read,
  node: string,
  report: LimitReport,
  options: EditOptions,
): Promise<Decision<Reported>> {
  const { signal } = options;
  const seen = await seeLimit(read, { node, address: report.address }, signal);
  const record = seen && soundRecord(seen);
  if (!seen || !record || !isAbout(report, seen.counted)) return unchanged('stale');
  const status = await readStatus(read, seen, signal);
  const { edit } = record;
  if (edit === undefined || edit === status?.edit)
    return repeated(seen, { report, status }, options);
  return report.passing
    ? unchanged('waiting')
    : decideFirst(read, seen, { edit, reason: report.fault, options });
}

/** What an edit came to that nothing was said of yet. */
async function decideFirst(
  read: Read,
  seen: SeenLimit,
  { reason, ...edited }: Omit<Failed, 'reason'> & { readonly reason: string | undefined },
): Promise<Decision<Reported>> {
  const { edit, options } = edited;
  if (reason === undefined) return noted(seen, { state: 'enforced', edit }, options);
  return (
    (await undone(read, seen, { ...edited, reason })) ??
    noted(seen, { state: 'failed', edit, reason }, options)
  );
}

const unchanged = (result: Reported): Decision<Reported> => ({ result, guards: [], writes: [] });

const isAbout = (one: Rates, other: Rates): boolean =>
  one.netInKbit === other.netInKbit && one.netOutKbit === other.netOutKbit;

type Note = Pick<LimitStatusRecord, 'state' | 'edit' | 'reason'>;

/** A limit whose last edit was told of already: only what changed since is worth a write. */
function repeated(
  seen: SeenLimit,
  { report, status }: { report: LimitReport; status: LimitStatusRecord | undefined },
  options: EditOptions,
): Decision<Reported> {
  const { fault: reason } = report;
  const edit = status?.edit === undefined ? {} : { edit: status.edit };
  if (reason !== undefined)
    return status?.state === 'failed' && status.reason === reason
      ? unchanged('known')
      : noted(seen, { state: 'failed', ...edit, reason }, options);
  // what is said of an edit stays said; a fault of its own is over
  if (status?.state !== 'failed' || status.edit !== undefined) return unchanged('known');
  return noted(seen, { state: 'enforced' }, options);
}

function noted(seen: SeenLimit, note: Note, { clock }: EditOptions): Decision<Reported> {
  const { node, address, counted, written, leaseRevision } = seen;
  const status: LimitStatusRecord = { v: 1, ...note, ...audited(counted), atMs: clock.now() };
  return {
    result: 'noted',
    guards: [
      { key: keys.lease(node, address), revision: leaseRevision },
      { key: keys.limit(node, address), revision: written?.revision ?? 0 },
    ],
    writes: [statusWrite(seen, status)],
  };
}

interface Failed {
  readonly edit: string;
  readonly reason: string;
  readonly options: EditOptions;
}

/** Undefined when nobody remembers the former limit. */
async function undone(
  read: Read,
  seen: SeenLimit,
  failed: Failed,
): Promise<Decision<Reported> | undefined> {
  const { edit, reason, options } = failed;
  const former = (await getAudit(read, edit, options.signal))?.before;
  if (!former || isAbout(former, seen.counted)) return undefined;
  const at = await seeNode(read, { node: seen.node, raises: true }, options.signal);
  const next = restoredLimit(standingOf(seen, at), former);
  const change = inForceOn(seen, at, { next });
  const atMs = options.clock.now();
  const status = { v: 1, state: 'failed', ...audited(next), edit, reason, atMs } as const;
  const entry = { id: auditId(atMs, options.random()), record: entryOf(seen, next, failed) };
  return {
    result: 'put back',
    guards: change.guards,
    writes: [...change.writes, statusWrite(seen, status), auditWrite(entry)],
  };
}

const entryOf = (
  seen: SeenLimit,
  next: CountedLimit,
  { edit, reason, options }: Failed,
): AuditRecord => ({
  ...placeOf(seen),
  v: 1,
  atMs: options.clock.now(),
  who: `agent of ${seen.node}`,
  by: 'agent',
  act: 'put back',
  before: audited(seen.counted),
  after: audited(next),
  why: reason,
  of: edit,
});
