import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { exampleText } from '../../src/config/example.ts';
import { leavesOf } from '../../src/config/leaves.ts';
import { loadSettings } from '../../src/config/load.ts';
import { variableOf } from '../../src/config/overrides.ts';
import { settingsSchema } from '../../src/config/settings.ts';

const EXAMPLE = 'config/corral.example.yaml';
const leaves = leavesOf(settingsSchema);

describe('every setting', () => {
  for (const leaf of leaves) {
    it(leaf.path.join('.'), () => {
      assert.match(leaf.description, /^\S.{10,}\S$/, 'says what it means');
      if (leaf.type === 'number') {
        assert.ok(leaf.unit, 'has a unit');
        assert.ok(leaf.from !== undefined && leaf.to !== undefined, 'has a range');
        assert.notEqual(leaf.otherwise, undefined, 'has a default');
      }
    });
  }

  it('has a variable of its own', () =>
    assert.equal(new Set(leaves.map(variableOf)).size, leaves.length));
});

describe(EXAMPLE, () => {
  // REWRITE=1 writes it anew; commit only a difference you can explain.
  if (process.env['REWRITE'] === '1') writeFileSync(EXAMPLE, exampleText());
  const text = readFileSync(EXAMPLE, 'utf8');

  it('is what the schemas say', () => assert.equal(text, exampleText()));

  it('names every setting and its variable', () => {
    for (const leaf of leaves) {
      assert.ok(text.includes(variableOf(leaf)), variableOf(leaf));
      assert.ok(text.includes(leaf.description), leaf.description);
    }
  });

  it('changes nothing when it is loaded', () =>
    assert.deepEqual(
      loadSettings({ files: [{ path: EXAMPLE }], environment: {} }),
      loadSettings({ files: [], environment: {} }),
    ));
});

describe('config/corral.yaml', () => {
  it('passes the schemas', () =>
    assert.equal(
      loadSettings({ files: [{ path: 'config/corral.yaml' }], environment: {} }).gate.listen.port,
      8080,
    ));
});
