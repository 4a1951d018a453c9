/** What a launch could not have for lack of network room. */
export type FailureKind = 'address' | 'bandwidth';

/** One launch that a node refused for lack of network room. */
export interface Failure {
  readonly atMs: number;
  readonly node: string;
  readonly network: string;
  readonly short: FailureKind;
  /** What ran short, in words with figures. */
  readonly why: string;
  /** Canonical id; absent where nobody can say whose launch it was. */
  readonly app?: string;
  readonly task?: string;
  readonly container?: string;
}

/**
 * The launches of one app on one network that a node refused in one minute. A loop fails hundreds of
 * times a minute: it is one record all the same. Key: id, newest minute first.
 */
export interface FailureRecord {
  readonly v: 1;
  /** The first and the last of them. */
  readonly sinceMs: number;
  readonly atMs: number;
  readonly count: number;
  /** When the last TIMES_KEPT of them failed, newest first. */
  readonly times: readonly number[];
  readonly node: string;
  readonly network: string;
  readonly short: FailureKind;
  /** Of the last, as are task and container. */
  readonly why: string;
  readonly app?: string;
  readonly task?: string;
  readonly container?: string;
}

/** What the brake can count to; it looks at times, not at minutes. */
export const TIMES_KEPT = 20;
/** Longest that words of it may be, characters: they are quoted, and partly hostile. */
export const LONGEST_WHY = 1_000;
const MINUTE_MS = 60_000;

/** The minute whose record a failure belongs to, ms since the epoch. */
export const minuteOf = (atMs: number): number => atMs - (atMs % MINUTE_MS);

/** What failures of one minute share when they share a record. */
export const failureGroup = ({ node, network, short, app }: Failure): string =>
  JSON.stringify([node, network, short, app ?? '']);

/** The record with one failure more; `record` is of the same minute and group, or absent. */
export function withFailure(record: FailureRecord | undefined, failure: Failure): FailureRecord {
  const { atMs, why, ...about } = failure;
  return {
    ...about,
    why: why.slice(0, LONGEST_WHY),
    v: 1,
    sinceMs: Math.min(record?.sinceMs ?? atMs, atMs),
    atMs: Math.max(record?.atMs ?? atMs, atMs),
    count: (record?.count ?? 0) + 1,
    times: newest([atMs, ...(record?.times ?? [])]),
  };
}

/** Two records of one minute and group as one: what a writer that was started anew adds to. */
export const joined = (older: FailureRecord, newer: FailureRecord): FailureRecord => ({
  ...newer,
  sinceMs: Math.min(older.sinceMs, newer.sinceMs),
  atMs: Math.max(older.atMs, newer.atMs),
  count: older.count + newer.count,
  times: newest([...newer.times, ...older.times]),
});

const newest = (times: readonly number[]): readonly number[] =>
  [...times].sort((a, b) => b - a).slice(0, TIMES_KEPT);
