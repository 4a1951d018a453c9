import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fenceMarks } from '../../src/cli/facts.ts';
import type { NodeFacts } from '../../src/core/facts.ts';

const shown = (offered: boolean): ReadonlyMap<string, NodeFacts> =>
  new Map([
    [
      'n1',
      { attributes: {}, offered, cpus: 4, memMiB: 1, diskMiB: 0, gpus: 0, ports: [] } as const,
    ],
  ]);

it('a node that the fence opens while Mesos answers is not taken for one that people took out', () => {
  const closed = new Set(['n1']);
  const marked = fenceMarks((node) => closed.has(node));
  const isFenced = (offered: boolean) => marked(shown(offered)).get('n1')?.isFenced ?? false;
  assert.equal(isFenced(false), true);
  closed.clear(); // opened, and its record is gone; what Mesos said is older
  assert.equal(isFenced(false), true);
  assert.equal(isFenced(false), false, 'by now people have taken it out');
  closed.add('n1');
  assert.equal(isFenced(true), false, 'about to be closed');
  assert.equal(isFenced(false), true);
});
