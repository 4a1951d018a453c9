import { type Figures, NOTHING_SEEN } from './figures.ts';

/** Sums over the seeds of one row. */
export interface Row extends Figures {
  readonly seeds: number;
  /** Seeds in which some app was in a loop. */
  readonly looping: number;
}

const EMPTY: Row = { ...NOTHING_SEEN, seeds: 0, looping: 0 };

const SUMMED = [
  ...(['launches', 'failed', 'loops', 'missing', 'waiting', 'free', 'stranded', 'events'] as const),
];
const GREATEST = ['longest', 'longestWaitMs'] as const;

/** A row with one seed more. */
export function added(row: Row = EMPTY, figures: Figures): Row {
  const sums = SUMMED.map((key) => [key, row[key] + figures[key]] as const);
  const greatest = GREATEST.map((key) => [key, Math.max(row[key], figures[key])] as const);
  return {
    ...row,
    ...Object.fromEntries([...sums, ...greatest]),
    seeds: row.seeds + 1,
    looping: row.looping + (figures.loops > 0 ? 1 : 0),
  };
}

type Columns = readonly (readonly [title: string, cell: (row: Row) => string])[];

const FAILURES: Columns = [
  ['launches', ({ launches }) => String(launches)],
  ['failed', ({ failed }) => String(failed)],
  ['longest episode', ({ longest }) => String(longest)],
  ['apps in a loop', ({ loops }) => String(loops)],
];

/** What of the loop is left. */
export const MODE_COLUMNS: Columns = [
  ...FAILURES,
  ['seeds with a loop', ({ looping }) => String(looping)],
  ['admitted, not running', ({ missing }) => String(missing)],
  ['held at the end', ({ waiting }) => String(waiting)],
];

const asPercent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** What the margin costs. */
export const MARGIN_COLUMNS: Columns = [
  ...FAILURES,
  ['free addresses', ({ free, seeds }) => (free / seeds).toFixed(2)],
  ['of them stranded', ({ stranded, seeds }) => (stranded / seeds).toFixed(2)],
  ['share', ({ free, stranded }) => asPercent(stranded / Math.max(1, free))],
  ['longest wait', ({ longestWaitMs }) => `${Math.round(longestWaitMs / 1_000)} s`],
];

/** As Markdown. */
export function tableOf(first: string, columns: Columns, rows: ReadonlyMap<string, Row>): string {
  const lines = [...rows].map(([title, row]) => [title, ...columns.map(([, cell]) => cell(row))]);
  const head = [first, ...columns.map(([title]) => title)];
  const rule = head.map((_, n) => (n === 0 ? '---' : '---:'));
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
