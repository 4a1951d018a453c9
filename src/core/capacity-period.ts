import { groupOf } from './capacity-sums.ts';
import type { Answer } from './verdict-record.ts';

/** What became of launches in a period. */
export interface PeriodCounts {
  readonly refused: number;
  readonly rerouted: number;
  readonly held: number;
  readonly failed: number;
}

export const NO_COUNTS: PeriodCounts = { refused: 0, rerouted: 0, held: 0, failed: 0 };

/** What the gate said to one change. */
export interface SaidVerdict {
  readonly atMs: number;
  readonly answer: Answer;
  readonly apps: readonly string[];
}

/** Launches that a node refused for want of network room. */
export interface SeenFailure {
  readonly node: string;
  readonly app?: string;
  readonly count: number;
}

const COUNTED: Readonly<Partial<Record<Answer, keyof PeriodCounts>>> = {
  refuse: 'refused',
  reroute: 'rerouted',
  hold: 'held',
};

/** Counts of one period: of all, and by top-level group and by node. */
export interface Period {
  readonly total: PeriodCounts;
  /** A change of several groups counts in each. */
  readonly groups: ReadonlyMap<string, PeriodCounts>;
  /** Failed launches. */
  readonly nodes: ReadonlyMap<string, number>;
}

/** Sorts what was said and seen. Nothing is looked at but what is handed in: cut to the period before. */
export function periodOf(
  verdicts: readonly SaidVerdict[],
  failures: readonly SeenFailure[],
): Period {
  const groups = new Map<string, PeriodCounts>();
  const nodes = new Map<string, number>();
  let total = NO_COUNTS;
  const more = (counts: PeriodCounts, what: keyof PeriodCounts, by: number): PeriodCounts => ({
    ...counts,
    [what]: counts[what] + by,
  });
  const inGroup = (group: string, what: keyof PeriodCounts, by: number): void =>
    void groups.set(group, more(groups.get(group) ?? NO_COUNTS, what, by));
  for (const { answer, apps } of verdicts) {
    const what = COUNTED[answer];
    if (what === undefined) continue;
    total = more(total, what, 1);
    for (const group of new Set(apps.map(groupOf))) inGroup(group, what, 1);
  }
  for (const { node, app, count } of failures) {
    total = more(total, 'failed', count);
    inGroup(groupOf(app), 'failed', count);
    nodes.set(node, (nodes.get(node) ?? 0) + count);
  }
  return { total, groups, nodes };
}
