import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const HEADINGS = ['What it is', 'What it promises', 'Settings', 'When it fails', 'Try it'];

const parts = readFileSync('src/README.md', 'utf8')
  .split('\n')
  .map((line) => line.split('|')[1]?.trim() ?? '')
  .filter((part) => /^[a-z]+(\/[a-z]+)?$/.test(part) && part !== 'part');

describe('every part says what it is', () => {
  for (const part of parts)
    it(part, () => {
      const file = join('src', part, 'README.md');
      assert(existsSync(file), `${file} is missing`);
      const found = [...readFileSync(file, 'utf8').matchAll(/^## (.+)$/gm)].map(([, text]) => text);
      assert.deepEqual(
        HEADINGS.filter((heading) => !found.includes(heading)),
        [],
        `${file} lacks headings`,
      );
    });
});

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const codes = new Set(
  sources.flatMap((file) =>
    [...readFileSync(join('src', file), 'utf8').matchAll(/readonly code = '([a-z-]+)'/g)].map(
      ([, code = '']) => code,
    ),
  ),
);

describe('the manual of refusals', () => {
  const manual = readFileSync('src/REFUSALS.md', 'utf8');
  const listed = new Set([...manual.matchAll(/^\| `([a-z-]+)`/gm)].map(([, code = '']) => code));
  it('lists every code', () => {
    assert.deepEqual(
      [...codes].filter((code) => !listed.has(code)),
      [],
    );
  });
  it('lists nothing else', () => {
    assert.deepEqual(
      [...listed].filter((code) => !codes.has(code)),
      [],
    );
  });
});
