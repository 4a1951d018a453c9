import { type Figures, NOTHING_SEEN } from './figures.ts';
import { MODES, type Mode } from './modes.ts';

/** Sums over the seeds of one mode. */
export interface Row extends Figures {
  readonly seeds: number;
  /** Seeds in which some app was in a loop. */
  readonly looping: number;
}

const EMPTY: Row = { ...NOTHING_SEEN, seeds: 0, looping: 0 };

const SUMMED = ['launches', 'failed', 'loops', 'missing', 'waiting', 'events'] as const;
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

const COLUMNS: readonly (readonly [title: string, cell: (row: Row) => string])[] = [
  ['launches', ({ launches }) => String(launches)],
  ['failed', ({ failed }) => String(failed)],
  ['longest episode', ({ longest }) => String(longest)],
  ['apps in a loop', ({ loops }) => String(loops)],
  ['seeds with a loop', ({ looping }) => String(looping)],
  ['admitted, not running', ({ missing }) => String(missing)],
  ['held at the end', ({ waiting }) => String(waiting)],
];

/** As Markdown. */
export function tableOf(rows: ReadonlyMap<Mode, Row>): string {
  const lines = MODES.flatMap((mode) => {
    const row = rows.get(mode);
    return row ? [[mode, ...COLUMNS.map(([, cell]) => cell(row))]] : [];
  });
  const head = ['with', ...COLUMNS.map(([title]) => title)];
  const rule = head.map((_, n) => (n === 0 ? '---' : '---:'));
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
