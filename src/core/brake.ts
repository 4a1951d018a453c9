import type { FailureRecord } from './failure-record.ts';
import type { HeldRecord } from './held-record.ts';

/** When launches that fail are a loop. */
export interface BrakeRule {
  /** So many failed launches of one app … */
  readonly failures: number;
  /** … within that long, ms. */
  readonly withinMs: number;
  /** Times that an app may grow in vain before it is left to an operator. */
  readonly cycles: number;
}

/** An app whose launches fail again and again for lack of room. */
export interface LaunchLoop {
  readonly app: string;
  /** Failures within the window. */
  readonly count: number;
  /** Where, sorted. */
  readonly nodes: readonly string[];
  /** The newest of them. */
  readonly last: FailureRecord;
}

/**
 * The loops among failures, by app. What failed before `sinceMs(app)` was answered already: the app has
 * been held since.
 */
export function loopsIn(
  failures: readonly FailureRecord[],
  rule: BrakeRule,
  { nowMs, sinceMs }: { readonly nowMs: number; readonly sinceMs: (app: string) => number },
): readonly LaunchLoop[] {
  const byApp = new Map<string, { record: FailureRecord; count: number }[]>();
  for (const record of failures) {
    const { app } = record;
    if (app === undefined) continue;
    const after = Math.max(nowMs - rule.withinMs, sinceMs(app));
    const count = record.times.filter((atMs) => atMs > after).length;
    if (count > 0) byApp.set(app, [...(byApp.get(app) ?? []), { record, count }]);
  }
  return [...byApp]
    .map(([app, found]) => loopOf(app, found))
    .filter(({ count }) => count >= rule.failures)
    .sort((one, other) => (one.app < other.app ? -1 : 1));
}

const loopOf = (
  app: string,
  found: readonly { readonly record: FailureRecord; readonly count: number }[],
): LaunchLoop => {
  const records = found.map(({ record }) => record);
  return {
    app,
    count: found.reduce((sum, { count }) => sum + count, 0),
    nodes: [...new Set(records.map(({ node }) => node))].sort(),
    last: records.reduce((one, other) => (other.atMs > one.atMs ? other : one)),
  };
};

/** A looping app at this moment. */
export interface Looping {
  readonly loop: LaunchLoop;
  /** What Marathon is told to run. */
  readonly instances: number;
  /** Of the app as Marathon has it. */
  readonly version?: string;
  /** What runs. */
  readonly runs: number;
  readonly held?: HeldRecord;
  readonly priority: number;
  /** Room for one more instance as the ledger sees it: on a node without a failure, or on any. */
  readonly room: { readonly elsewhere: boolean; readonly anywhere: boolean };
  /** What is short, in words with figures. */
  readonly short: string;
}

export type BrakeStep =
  | { readonly do: 'nothing'; readonly why: string }
  | { readonly do: 'hold'; readonly record: HeldRecord };

/**
 * Whether a looping app is to be held, and the record of it: its instances become what runs, what was
 * wanted is kept. An app that has grown since it was last held, and runs no more than then, has made a
 * cycle in vain; after `rule.cycles` of them it is stopped.
 */
export function brakeOn(seen: Looping, rule: BrakeRule, nowMs: number): BrakeStep {
  if (seen.runs >= seen.instances) return { do: 'nothing', why: 'all that it should have run' };
  if (seen.room.elsewhere) return { do: 'nothing', why: 'another node can take it' };
  return { do: 'hold', record: heldRecord(seen, rule, nowMs) };
}

/** A record that allows another count than Marathon has is not about what runs now. */
const standing = ({ held, instances }: Looping): HeldRecord | undefined =>
  held?.allowed === instances ? held : undefined;

function heldRecord(seen: Looping, rule: BrakeRule, nowMs: number): HeldRecord {
  const { instances, runs, loop, version, priority } = seen;
  const before = standing(seen);
  const { cycles, stopped } = before ? cyclesOf(before, runs, rule) : NEW;
  const {
    wanted,
    sinceMs,
    grownMs,
    stoppedMs = nowMs,
  } = before ?? { wanted: instances, sinceMs: nowMs };
  return {
    ...{ v: 1, wanted, allowed: runs, by: 'brake', sinceMs, priority, ran: runs, cycles },
    why: whyOf(seen, { wanted, rule, stopped }),
    pending: { from: instances, ...(version !== undefined && { version }) },
    // a node's clock may be ahead of ours; what it told before must not count again
    heldMs: Math.max(nowMs, Math.min(loop.last.atMs, nowMs + rule.withinMs)),
    ...(grownMs !== undefined && { grownMs }),
    ...(seen.room.anywhere && { notBeforeMs: nowMs + rule.withinMs }),
    ...(stopped && { stoppedMs }),
  };
}

const NEW = { cycles: 0, stopped: false };

function cyclesOf(
  { heldMs = 0, grownMs = 0, ran, cycles = 0, stoppedMs }: HeldRecord,
  runs: number,
  rule: BrakeRule,
): { readonly cycles: number; readonly stopped: boolean } {
  if (ran === undefined || grownMs <= heldMs) return { cycles, stopped: stoppedMs !== undefined };
  const counted = runs > ran ? 0 : cycles + 1;
  return { cycles: counted, stopped: counted >= rule.cycles };
}

function whyOf(
  { loop, runs, short }: Looping,
  { wanted, rule, stopped }: { wanted: number; rule: BrakeRule; stopped: boolean },
): string {
  const { app, count, nodes, last } = loop;
  const until = stopped
    ? `it grew in vain ${rule.cycles} times and stays so until "corral held release ${app}"`
    : 'held so until there is room';
  return (
    `${app}: ${runs} of ${wanted} instances run, ${until}: ` +
    `${count} launches failed within ${rule.withinMs / 1_000} s on ${listed(nodes)} ` +
    `for lack of ${last.short === 'address' ? 'an address' : 'bandwidth'} (${last.why}), ` +
    `and no other node can take one: ${short}`
  );
}

const NAMED = 3;
const listed = (nodes: readonly string[]): string =>
  nodes.length <= NAMED
    ? nodes.join(', ')
    : `${nodes.slice(0, NAMED).join(', ')} and ${nodes.length - NAMED} more`;
