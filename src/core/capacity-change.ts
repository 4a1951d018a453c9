import type { CapacityRow, Figure, Figures } from './capacity-record.ts';

/** What is counted per period says by itself how much came; limits are settings. */
const NO_CHANGE: ReadonlySet<Figure> = new Set<Figure>([
  ...(['refused', 'rerouted', 'held', 'failed', 'macLimit'] as const),
]);

const keyOf = ({ kind, name }: CapacityRow): string => `${kind} ${name}`;

/** Rows with what differs from the rows before; a row that is new has no `change`. */
export function withChange(
  rows: readonly CapacityRow[],
  before: readonly CapacityRow[],
): readonly CapacityRow[] {
  const known = new Map(before.map((row) => [keyOf(row), row.figures]));
  return rows.map((row) => {
    const figures = known.get(keyOf(row));
    return figures === undefined ? row : { ...row, change: changeOf(row.figures, figures) };
  });
}

function changeOf(now: Figures, before: Figures): Figures {
  const change: Partial<Record<Figure, number>> = {};
  for (const [figure, count] of Object.entries(now) as [Figure, number][]) {
    const by = count - (before[figure] ?? 0);
    if (by !== 0 && !NO_CHANGE.has(figure)) change[figure] = by;
  }
  return change;
}

/** How full a node is: the share of its link that is given away, in the fuller direction. */
export function fullness({ figures }: CapacityRow): number {
  const share = (free = 0, capacity = 0): number => (capacity > 0 ? 1 - free / capacity : 0);
  return Math.max(
    share(figures.freeInKbit, figures.capacityInKbit),
    share(figures.freeOutKbit, figures.capacityOutKbit),
  );
}

/** The `most` fullest nodes of a report, in order of name, and all its other rows. */
export function fullestNodes(rows: readonly CapacityRow[], most: number): readonly CapacityRow[] {
  const nodes = rows.filter(({ kind }) => kind === 'node');
  if (nodes.length <= most) return rows;
  const kept = new Set([...nodes].sort((a, b) => fullness(b) - fullness(a)).slice(0, most));
  return rows.filter((row) => row.kind !== 'node' || kept.has(row));
}
