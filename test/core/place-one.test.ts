import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { admitsOne } from '../../src/core/place-one.ts';
import { place } from '../../src/core/place.ts';
import { runs } from '../runs.ts';
import { clusterOf, constraintOf, nodeOf, webAsk } from './twins/models.ts';

const NODES = ['n1', 'n2', 'n3', 'n4'].map((name, n) =>
  nodeOf(name, {
    attributes: { ...(n < 3 && { rack: `r${n % 2}` }) },
    region: n === 0 ? 'a' : 'b',
  }),
);
const constraints = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom('hostname', 'rack'), fc.constant('UNIQUE' as const)),
    fc.tuple(
      fc.constantFrom('hostname', 'rack'),
      fc.constantFrom('MAX_PER' as const, 'GROUP_BY' as const),
      fc.constantFrom('1', '2', '3', 'x'),
    ),
    fc.tuple(
      fc.constantFrom('hostname', 'rack', '@region'),
      fc.constantFrom('LIKE' as const, 'UNLIKE' as const, 'IS' as const, 'CLUSTER' as const),
      fc.constantFrom('n1', 'n[12]', 'r0', 'a', '(?=x)y', ''),
    ),
  ),
  { maxLength: 2 },
);

describe('whether constraints let one instance more onto a node', () => {
  it('agrees with placing it on a cluster of that node alone', () => {
    fc.assert(
      fc.property(
        constraints,
        fc.array(fc.constantFrom(...NODES), { maxLength: 4 }),
        fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
        (drawn, on, home) => {
          const placed = on.map(({ name, attributes, region }) => ({
            ...{ node: name, attributes, ...(region !== undefined && { region }) },
          }));
          const ask = webAsk(1, {
            placed,
            constraints: drawn.map(([field, operator, value]) =>
              constraintOf(field, operator, value),
            ),
          });
          const region = home !== undefined && { homeRegion: home };
          const admits = admitsOne({ ...region }, ask);
          for (const node of NODES)
            assert.equal(admits(node), place({ ...clusterOf([node]), ...region }, ask).fits);
        },
      ),
      { numRuns: runs(2_000) },
    );
  });
});
