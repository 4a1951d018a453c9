import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/**
 * Runs the suites named on the command line, or all. A suite is a row below.
 * With CI set, a skipped test is a failed test: what cannot run must say why by failing.
 */
const UNIT = ['core', 'house', 'plumbing', 'config', 'cluster'];
const SUITES: Readonly<Record<string, (file: string) => boolean>> = {
  unit: (file) => UNIT.some((part) => file.startsWith(`test/${part}/`)),
  scenarios: (file) => file.startsWith('test/scenarios/'),
  real: (file) =>
    !UNIT.some((part) => file.startsWith(`test/${part}/`)) && !file.startsWith('test/scenarios/'),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in SUITES) && !name.endsWith('.test.ts'));
if (unknown.length > 0) throw new Error(`no such suite: ${unknown.join(', ')}`);
const chosen = asked.length === 0 ? Object.keys(SUITES) : asked;
const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((file) => join('test', file))
  .filter((file) => file.endsWith('.test.ts') && !file.startsWith('test/bench/'))
  .filter((file) => chosen.some((name) => name === file || SUITES[name]?.(file) === true))
  .sort();

let failed = 0;
let skipped = 0;
const events = run({ files, concurrency: 2, timeout: 10 * 60_000 });
events.on('test:fail', ({ todo }) => {
  if (todo === undefined) failed += 1;
});
events.on('test:pass', ({ skip, todo, name }) => {
  if (skip === undefined && todo === undefined) return;
  skipped += 1;
  process.stderr.write(`skipped: ${name}: ${String(skip ?? todo)}\n`);
});
events.on('end', () => {
  if (skipped > 0 && process.env['CI']) {
    process.stderr.write(`${skipped} skipped tests: in CI a skipped test is a failed test\n`);
    process.exitCode = 1;
  }
  if (failed > 0) process.exitCode = 1;
});
events.compose(new spec()).pipe(process.stdout);
