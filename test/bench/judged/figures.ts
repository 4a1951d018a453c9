import { cpus, loadavg } from 'node:os';
import process from 'node:process';

/** The value that a share of all values do not exceed; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export const p50 = (values: readonly number[]): number => quantile(values, 0.5);
export const p99 = (values: readonly number[]): number => quantile(values, 0.99);

export const digits = (value: number): string => {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
};

/** Says what the figures below were measured on. */
export function heading(title: string): void {
  const busy = loadavg()[0]?.toFixed(1);
  const machine = `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, load ${busy}`;
  console.log(`\n### ${title}: ${machine}\n`);
}

export function row(cells: readonly (string | number)[]): void {
  console.log(
    `| ${cells.map((cell) => (typeof cell === 'number' ? digits(cell) : cell)).join(' | ')} |`,
  );
}

export function head(cells: readonly string[]): void {
  row(cells);
  row(cells.map((_, at) => (at === 0 ? '---' : '---:')));
}
