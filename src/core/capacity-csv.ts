import { type CapacityReport, type CapacityRow, FIGURES } from './capacity-record.ts';

/** A cell that a spreadsheet would take for a formula: names come from apps, and apps from anybody. */
const FORMULA = /^[=+\-@\t\r]/;
const SPECIAL = /[",\r\n]/;

/** One cell by RFC 4180, text made harmless to spreadsheets by an apostrophe before it. */
export function csvCell(cell: string | number | undefined): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Lines by RFC 4180: ended by CRLF, the last one too. @see RFC 4180, section 2 */
export const csvOf = (lines: readonly (readonly (string | number | undefined)[])[]): string =>
  lines.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');

/** Figures of which the change has a column of its own. */
const CHANGES = [
  ...['leased', 'promised', 'spare', 'free', 'reachable'],
  ...['leasedInKbit', 'freeInKbit', 'leasedOutKbit', 'freeOutKbit', 'fenced', 'macs'],
] as const;

const HEAD = [
  ...['report', 'at', 'kind', 'name'],
  ...FIGURES,
  ...CHANGES.map((figure) => `${figure}Change`),
  'macLevel',
];

/** A report as one table: a line for each row, a column for each figure and for its change. */
export function reportCsv({ id, atMs, rows }: CapacityReport): string {
  const at = new Date(atMs).toISOString();
  return csvOf([HEAD, ...rows.map((row) => [id, at, ...cellsOf(row)])]);
}

/** A change of nothing is 0; the change of a row that is new is empty. */
const cellsOf = ({ kind, name, figures, change, level }: CapacityRow) => [
  kind,
  name,
  ...FIGURES.map((figure) => figures[figure]),
  ...CHANGES.map((figure) =>
    change === undefined || figures[figure] === undefined ? undefined : (change[figure] ?? 0),
  ),
  level,
];
