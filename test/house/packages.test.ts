import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const read = (file: string): string => readFileSync(file, 'utf8');

interface Package {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

describe('what is installed', () => {
  const { dependencies, devDependencies, scripts } = JSON.parse(read('package.json')) as Package;

  it('is named by exact versions', () => {
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
    );
    assert.deepEqual(loose, []);
  });

  it('is locked by hash, with no address to download from', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Readonly<
        Record<string, { readonly resolved?: string; readonly integrity?: string }>
      >;
    };
    const installed = Object.entries(packages).filter(([path]) => path !== '');
    assert(installed.length > 100);
    const bare = installed.filter(([, { resolved, integrity }]) => resolved || !integrity);
    assert.deepEqual(
      bare.map(([path]) => path),
      [],
    );
    assert.doesNotMatch(read('package-lock.json'), /\.tgz/);
  });

  it('is installed by the two set-up commands themselves', () => {
    assert.match(scripts['start'] ?? '', /^npm run --silent setup && npm run --silent build && /);
    assert.match(read('test/run.sh'), /^npm run --silent setup$/m);
    assert.match(scripts['setup'] ?? '', /npm ci/);
  });
});

describe('what stands at the top', () => {
  it('CI calls npm test and nothing else', () => {
    const lines = read('.ci/run').trim().split('\n');
    assert.deepEqual(lines, ['#!/usr/bin/env bash', 'set -euo pipefail', 'npm test']);
  });

  it('the licence is Apache 2.0, and changes are told', () => {
    assert.match(read('LICENSE'), /Apache License\s+Version 2\.0, January 2004/);
    assert.match(read('CHANGELOG.md'), /^## Unreleased$/m);
  });

  it('the front page says what it is, how to set it up, and what it refuses', () => {
    const front = read('README.md');
    const headings = ['Two commands', 'The flow', 'In front of a real Marathon', 'Settings'];
    for (const heading of [...headings, 'What it refuses, and how that reads'])
      assert(front.includes(`\n## ${heading}\n`), heading);
  });
});
