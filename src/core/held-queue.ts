import type { HeldRecord } from './held-record.ts';

/** One app of the queue, as the ledger and Marathon have it at this moment. */
export interface HeldSeen {
  /** Canonical id. */
  readonly app: string;
  readonly record: HeldRecord;
  /** Absent: Marathon has no such app. */
  readonly has?: { readonly instances: number; readonly version?: string };
  /** Instances that hold their addresses. */
  readonly runs: number;
  /** A client's change of it was on its way to Marathon before or after `has` was read: which it shows, nobody knows. */
  readonly inFlight: boolean;
  /** Of its label, 0 without one. */
  readonly priority: number;
}

export type HeldStep =
  /** It waits no longer. */
  | { readonly do: 'forget'; readonly why: 'deleted' | 'scaled by somebody' | 'all run' }
  /** Marathon has what it was told. */
  | { readonly do: 'confirm' }
  /** Marathon was never told to run fewer: say it again. */
  | { readonly do: 'lower' }
  /** Marathon was never told to run more: the room must be judged anew. */
  | { readonly do: 'take back' }
  /** Ask for room. */
  | { readonly do: 'grow' }
  | { readonly do: 'wait'; readonly for: 'an answer' | 'its start' | 'its rest' | 'an operator' };

/**
 * What is to be done about one held app. A count in Marathon that is neither what we set nor what was
 * there before is somebody's own word, and theirs counts.
 */
export function nextStep({ record, has, runs, inFlight }: HeldSeen, nowMs: number): HeldStep {
  const { allowed, wanted, pending, notBeforeMs = 0, stoppedMs } = record;
  if (has?.instances !== allowed) return strayed({ record, inFlight, ...(has && { has }) });
  if (pending) return { do: 'confirm' };
  if (allowed >= wanted)
    return runs >= wanted ? { do: 'forget', why: 'all run' } : { do: 'wait', for: 'its start' };
  if (stoppedMs !== undefined) return { do: 'wait', for: 'an operator' };
  return nowMs < notBeforeMs ? { do: 'wait', for: 'its rest' } : { do: 'grow' };
}

/** Marathon has another count than the record allows, or no such app. */
function strayed({
  record: { pending, allowed },
  has,
  inFlight,
}: Pick<HeldSeen, 'record' | 'has' | 'inFlight'>): HeldStep {
  const untouched =
    pending !== undefined &&
    has?.instances === pending.from &&
    (pending.version ?? has.version) === has.version;
  if (untouched) return { do: allowed < pending.from ? 'lower' : 'take back' };
  if (inFlight) return { do: 'wait', for: 'an answer' };
  return { do: 'forget', why: has ? 'scaled by somebody' : 'deleted' };
}

const MINUTE_MS = 60_000;

/**
 * Who grows first: the older minute, then the higher priority, then the older record. Apps that a
 * shortage strikes are held within seconds of each other; what lies minutes apart is order of arrival.
 */
export const inOrder = (held: readonly HeldSeen[]): readonly HeldSeen[] =>
  [...held].sort(
    (one, other) =>
      minute(one) - minute(other) ||
      other.priority - one.priority ||
      one.record.sinceMs - other.record.sinceMs ||
      (one.app < other.app ? -1 : 1),
  );

const minute = ({ record: { sinceMs } }: HeldSeen): number => Math.floor(sinceMs / MINUTE_MS);

/** The figure of a priority label; 0 when it is none: whoever wrote it must not stop the queue. */
export function priorityIn(label: string | undefined): number {
  const figure = Number(label?.trim() || 0);
  return Number.isSafeInteger(figure) ? figure : 0;
}

/** Marathon was seen to have what it was told. */
export const confirmed = (record: HeldRecord): HeldRecord => without(record, 'pending');

/** The growth that Marathon was never told of. */
export const takenBack = (record: HeldRecord): HeldRecord => ({
  ...without(record, 'pending'),
  allowed: record.pending?.from ?? record.allowed,
});

/** About to be told: `to` instances instead of those that `was` has. */
export const grown = (record: HeldRecord, { to, was, nowMs, why }: Growth): HeldRecord => ({
  ...record,
  allowed: to,
  why,
  grownMs: nowMs,
  pending: was,
});

export interface Growth {
  readonly to: number;
  readonly was: NonNullable<HeldRecord['pending']>;
  readonly nowMs: number;
  readonly why: string;
}

/** An operator's word: it may grow at once, and what failed before counts no more. */
export const released = (record: HeldRecord): HeldRecord =>
  without(record, 'stoppedMs', 'notBeforeMs', 'cycles');

type Optional = {
  [Key in keyof HeldRecord]-?: undefined extends HeldRecord[Key] ? Key : never;
}[keyof HeldRecord];

function without(record: HeldRecord, ...keys: readonly Optional[]): HeldRecord {
  const gone = new Set<string>(keys);
  // what is left is whole: only keys that may be absent can be named
  return Object.fromEntries(
    Object.entries(record).filter(([key]) => !gone.has(key)),
  ) as unknown as HeldRecord;
}
