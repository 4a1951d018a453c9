/**
 * A table for people: columns as wide as their widest cell, figures to the right.
 *
 * @param empty what to say when there are no rows
 */
export function table(
  headers: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  empty: string,
): string {
  if (rows.length === 0) return empty;
  const widths = headers.map((header, column) =>
    rows.reduce((width, row) => Math.max(width, String(row[column] ?? '').length), header.length),
  );
  const line = (row: readonly (string | number)[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return typeof cell === 'number' ? String(cell).padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(headers.map((header) => header.toUpperCase())), ...rows.map(line)].join('\n');
}
