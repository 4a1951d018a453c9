import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Step } from '../../src/core/topology-diff.ts';
import { after, diffTopology, newFaults } from '../../src/core/topology-diff.ts';
import { readTopology } from '../../src/core/topology-read.ts';
import type { Topology } from '../../src/core/topology.ts';
import { EMPTY_TOPOLOGY, wiringFaults } from '../../src/core/topology.ts';
import { runs } from '../runs.ts';

const applied = (seen: Topology, steps: readonly Step[]): Topology =>
  steps.reduce((now, step) => {
    if (step.kind !== 'node') return after(now, step);
    const nodes = new Map(now.nodes);
    if (step.do === 'put') nodes.set(step.name, step.record);
    else nodes.delete(step.name);
    return { ...now, nodes };
  }, seen);

const spelled = (steps: readonly Step[]): string[] =>
  steps.map((step) => `${step.do} ${step.kind} ${step.name}`);

const span = (from: number, to = from): string => `198.51.100.${from}-198.51.100.${to}`;
const pool = (...ranges: string[]) => ({ cidr: '198.51.100.0/24', ranges });

const one = readTopology({
  pools: { a: pool(span(1, 10)), b: pool(span(11, 20)) },
  networks: { m: { pools: ['a'] }, n: { pools: ['b'] } },
  nodes: { x: { link: '1gbit' } },
});

describe('diffTopology', () => {
  for (const { says, from, to, prune = false, gives } of [
    {
      says: 'adds what is named before what names it',
      from: EMPTY_TOPOLOGY,
      to: one,
      gives: ['put node x', 'put pool a', 'put pool b', 'put network m', 'put network n'],
    },
    { says: 'leaves alone what is not named', from: one, to: EMPTY_TOPOLOGY, gives: [] },
    {
      says: 'removes last, what names before what is named',
      from: one,
      to: EMPTY_TOPOLOGY,
      prune: true,
      gives: ['drop network m', 'drop network n', 'drop pool a', 'drop pool b', 'drop node x'],
    },
    {
      says: 'lets one pool give way before another takes its addresses',
      from: one,
      to: readTopology({
        pools: { a: pool(span(1, 15)), b: pool(span(16, 20)) },
        networks: { m: { pools: ['a'] }, n: { pools: ['b'] } },
      }),
      gives: ['put pool b', 'put pool a'],
    },
    {
      says: 'lets two pools trade addresses',
      from: one,
      to: readTopology({
        pools: { a: pool(span(6, 15)), b: pool(span(1, 5), span(16, 20)) },
        networks: { m: { pools: ['a'] }, n: { pools: ['b'] } },
      }),
      gives: ['put pool a', 'put pool b', 'put pool a'],
    },
    {
      says: 'removes a pool first when a new one takes its addresses',
      from: readTopology({ pools: { old: pool(span(1, 10)) } }),
      to: readTopology({ pools: { new: pool(span(1, 10)) } }),
      prune: true,
      gives: ['drop pool old', 'put pool new'],
    },
    {
      says: 'moves a pool from one network to another',
      from: readTopology({
        pools: { a: pool(span(1)), b: pool(span(2)), c: pool(span(3)) },
        networks: { m: { pools: ['a', 'c'] }, n: { pools: ['b'] } },
      }),
      to: readTopology({
        pools: { a: pool(span(1)), b: pool(span(2)), c: pool(span(3)) },
        networks: { m: { pools: ['a'] }, n: { pools: ['b', 'c'] } },
      }),
      gives: ['put network m', 'put network n'],
    },
  ]) {
    it(says, () => {
      const steps = diffTopology(to, from, { prune });
      assert.deepEqual(spelled(steps), gives);
    });
  }

  it('keeps what an agent wrote about its node', () => {
    const seen: Topology = {
      ...one,
      nodes: new Map([['x', { ...one.nodes.get('x')!, agentId: 'S1', bootId: 'b' }]]),
    };
    assert.deepEqual(diffTopology(one, seen), []);
    const faster = readTopology({ nodes: { x: { link: '2gbit' } } });
    const [step] = diffTopology(faster, seen);
    assert(step?.do === 'put' && step.kind === 'node');
    assert.deepEqual([step.record.bootId, step.record.linkInKbit], ['b', 2_000_000]);
  });

  /** Sound topologies: 40 addresses dealt to up to four pools, the pools to up to two networks. */
  const topology = fc
    .record({
      deal: fc.array(fc.nat(5), { minLength: 40, maxLength: 40 }),
      network: fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }),
      links: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
    })
    .map(({ deal, network, links }) => {
      const mine = (p: number): string[] =>
        deal.flatMap((owner, at) => (owner === p ? [span(at + 1)] : []));
      const names = [0, 1, 2, 3].filter((p) => mine(p).length > 0);
      const members = (n: number): string[] =>
        names.filter((p) => network[p] === n).map((p) => `p${p}`);
      return readTopology({
        pools: Object.fromEntries(names.map((p) => [`p${p}`, pool(...mine(p))])),
        networks: Object.fromEntries(
          [0, 1].filter((n) => members(n).length > 0).map((n) => [`n${n}`, { pools: members(n) }]),
        ),
        nodes: Object.fromEntries(links.map((link, n) => [`x${n}`, { link }])),
      });
    });

  it('ends at what is wanted, and then finds nothing more to do', () =>
    fc.assert(
      fc.property(topology, topology, fc.boolean(), (seen, wanted, prune) => {
        const laid = prune
          ? wanted
          : { ...wanted, pools: new Map([...seen.pools, ...wanted.pools]) };
        if (newFaults(seen, laid).length > 0) return;
        const done = applied(seen, diffTopology(wanted, seen, { prune }));
        assert.deepEqual(diffTopology(wanted, done, { prune }), []);
        if (prune) {
          assert.deepEqual([...done.pools].sort(), [...wanted.pools].sort());
          assert.deepEqual([...done.networks].sort(), [...wanted.networks].sort());
        }
      }),
      { numRuns: runs(200) },
    ));

  it('passes through sound topologies only, wherever a way exists', () => {
    let ways = 0;
    fc.assert(
      fc.property(topology, topology, (seen, wanted) => {
        let now: Topology = seen;
        const faults = diffTopology(wanted, seen, { prune: true }).flatMap((step) => {
          now = applied(now, [step]);
          return wiringFaults(now);
        });
        ways += faults.length === 0 ? 1 : 0;
        assert.deepEqual(wiringFaults(now), []);
      }),
      { numRuns: 100 },
    );
    assert(ways > 50, `only ${ways} of 100 found a sound way`);
  });
});
