import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
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

/**
 * Unit tests touch nothing outside their file, and most take less time than a process to run them in: a
 * few processes share them all.
 */
const BATCHES = 2;
const scratch = mkdtempSync(join(tmpdir(), 'corral-tests-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

function batched(all: readonly string[]): string[] {
  const unit = all.filter((file) => SUITES['unit']?.(file));
  const batches = Array.from({ length: Math.min(BATCHES, unit.length) }, (_, batch) => {
    const entry = join(scratch, `unit-${batch + 1}.mjs`);
    const files = unit.filter((_file, at) => at % BATCHES === batch);
    const imports = files.map((file) => `import '${pathToFileURL(resolve(file)).href}';`);
    writeFileSync(entry, imports.join('\n'));
    return entry;
  });
  return [...batches, ...all.filter((file) => !unit.includes(file))];
}

let failed = 0;
let skipped = 0;
const events = run({ files: batched(files), concurrency: 2, timeout: 10 * 60_000 });
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
