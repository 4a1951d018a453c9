export { table } from '../core/table.ts';

/** Two columns without headers: what a thing is, one fact a line. */
export function facts(pairs: readonly (readonly [string, string | number])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, fact]) => `${name.padEnd(width)}  ${fact}`.trimEnd()).join('\n');
}

/** For programs. */
export const json = (value: unknown): string => JSON.stringify(value, undefined, 2);
