import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

/** What a metric's name may end in, so that nobody has to guess its unit. */
const UNIT =
  /_(total|seconds|bytes|cpus|ratio|info|addresses|nodes|reservations|releases|apps|instances|failures|limits|bits_per_second)$/;

const names = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => [...readFileSync(join('src', file), 'utf8').matchAll(/name: '(corral_\w+)'/g)])
  .map(([, name = '']) => name);

describe('every metric says its unit', () => {
  for (const name of names) it(name, () => assert.match(name, UNIT));
  it('and there are some', () => assert.ok(names.length > 0));
});
