import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { driftSince } from '../../src/core/shape-drift.ts';
import { commandOf } from '../../src/core/shape-lines.ts';
import type { Seen } from '../../src/core/shape-seen.ts';
import { stepsToClean, stepsTowards } from '../../src/core/shape-steps.ts';
import { wantedShape } from '../../src/core/shape-wanted.ts';
import { LINK_MINOR, REST_MINOR, type Shape } from '../../src/core/shape.ts';
import { applyAll, bareLink, damages, KERNEL, limits, uplinks } from './shape-model.ts';
import { runs } from '../runs.ts';

const HOST: Seen = new Map(
  ['va', 'vb', 'vc', 'vd', 'eth0'].map((name, at) => [name, bareLink(at + 2)]),
);
const shapes: fc.Arbitrary<Shape> = fc
  .tuple(limits, uplinks)
  .map(([all, uplink]) => wantedShape(all, { uplink, kernel: KERNEL, mtuOf: () => 1500 }).shape);

describe('stepsTowards', () => {
  it('gets from anything to anything; then nothing is left to do', () =>
    fc.assert(
      fc.property(shapes, damages, shapes, (first, harm, second) => {
        const before = new Map(applyAll(stepsTowards(first, HOST), HOST));
        for (const harmed of harm) harmed(before);
        const after = applyAll(stepsTowards(second, before), before);
        assert.deepEqual(stepsTowards(second, after), []);
      }),
      { numRuns: runs(1000) },
    ));

  it('may stop anywhere, and gets there all the same', () =>
    fc.assert(
      fc.property(shapes, shapes, fc.nat(), (first, second, at) => {
        const before = applyAll(stepsTowards(first, HOST), HOST);
        const steps = stepsTowards(second, before);
        const half = applyAll(steps.slice(0, at % (steps.length + 1)), before);
        const after = applyAll(stepsTowards(second, half), half);
        assert.deepEqual(stepsTowards(second, after), []);
      }),
      { numRuns: runs(1000) },
    ));

  it('cleans to exactly what was there before, from wherever it stopped', () =>
    fc.assert(
      fc.property(shapes, fc.nat(), (shape, at) => {
        const steps = stepsTowards(shape, HOST);
        const half = applyAll(steps.slice(0, at % (steps.length + 1)), HOST);
        const clean = applyAll(stepsToClean(half), half);
        assert.deepEqual(clean, HOST);
      }),
      { numRuns: runs(1000) },
    ));

  it('changes nothing but the class when only a rate changes', () => {
    const shape = (netInKbit: number): Shape =>
      wantedShape(
        [
          {
            address: '192.0.2.1',
            hostInterface: 'va',
            netInKbit,
            netOutKbit: 5_000,
            classMinor: 1,
          },
        ],
        { uplink: UPLINK, kernel: KERNEL, mtuOf: () => 1500 },
      ).shape;
    const seen = applyAll(stepsTowards(shape(10_000), HOST), HOST);
    const steps = stepsTowards(shape(20_000), seen);
    assert.deepEqual(
      steps.map((step) => step.do),
      ['set-class'],
    );
  });

  it('leaves what is not ours on interfaces that are not wanted', () => {
    const theirs = new Map([
      ...HOST,
      ['eth0', { ...bareLink(9), root: { kind: 'htb', handle: '1:' }, hooks: 'clsact' as const }],
      ['corral-x', { ...bareLink(10), kind: 'bridge' }],
    ]);
    assert.deepEqual(stepsTowards(new Map(), theirs), []);
  });

  it('never writes a word that tc could take for another', () =>
    fc.assert(
      fc.property(shapes, (shape) => {
        for (const step of stepsTowards(shape, HOST))
          for (const line of commandOf(step).lines) assert.match(line, /^[A-Za-z0-9 :._@+-]+$/);
      }),
    ));
});

const UPLINK = { linkInKbit: 1e6, linkOutKbit: 1e6, overcommit: 1, headroom: 1 };

describe('wantedShape', () => {
  it('never lets floors pass link × headroom, and gives nobody more than was asked', () =>
    fc.assert(
      fc.property(limits, uplinks, (all, uplink) => {
        const { shape, faults } = wantedShape(all, { uplink, kernel: KERNEL, mtuOf: () => 1500 });
        assert.deepEqual(faults, []);
        for (const [name, linkKbit] of [
          ['corral-in', uplink.linkInKbit],
          ['corral-out', uplink.linkOutKbit],
        ] as const) {
          const classes = [...(shape.get(name)?.tree?.classes ?? [])];
          const mine = classes.filter(([minor]) => minor < REST_MINOR);
          const floors = mine.reduce((sum, [, { rateKbit }]) => sum + rateKbit, 0);
          assert.ok(floors <= linkKbit * uplink.headroom + mine.length);
          for (const [minor, { rateKbit, ceilKbit, parent }] of mine) {
            const { netInKbit, netOutKbit } = all.find(({ classMinor }) => classMinor === minor)!;
            const askKbit = name === 'corral-in' ? netInKbit : netOutKbit;
            assert.ok(ceilKbit <= askKbit && rateKbit <= ceilKbit);
            assert.ok(rateKbit <= Math.max(1, askKbit / uplink.overcommit));
            assert.equal(parent, LINK_MINOR);
          }
        }
      }),
    ));

  const base = {
    address: '192.0.2.1',
    hostInterface: 'va',
    netInKbit: 1,
    netOutKbit: 1,
    classMinor: 1,
  };
  for (const { says, limit, fault } of [
    { says: 'a hostile name', limit: { hostInterface: 'a b' }, fault: /no usable interface name/ },
    { says: 'a name too long', limit: { hostInterface: 'a'.repeat(16) }, fault: /usable/ },
    { says: 'a class of ours', limit: { classMinor: 0xfffe }, fault: /class 65534/ },
    { says: 'class 0', limit: { classMinor: 0 }, fault: /class 0 is not within/ },
    { says: 'nothing', limit: { netInKbit: 0 }, fault: /not above zero/ },
    { says: 'not a number', limit: { netInKbit: NaN }, fault: /not above zero/ },
    { says: 'no address', limit: { address: 'x' }, fault: /"x" is/ },
  ])
    it(`leaves out and tells: ${says}`, () => {
      const node = { uplink: UPLINK, kernel: KERNEL, mtuOf: () => 1500 };
      const { shape, faults } = wantedShape([{ ...base, ...limit }], node);
      assert.equal(shape.size, 0);
      assert.match(faults[0]?.says ?? '', fault);
    });

  it('keeps the first of two that want one interface or one class', () => {
    const node = { uplink: UPLINK, kernel: KERNEL, mtuOf: () => 1500 };
    const { shape, faults } = wantedShape(
      [
        { ...base, address: '192.0.2.3', hostInterface: 'vb' },
        base,
        { ...base, address: '192.0.2.2', classMinor: 2 },
      ],
      node,
    );
    assert.deepEqual([...shape.keys()], ['corral-0001', 'va']);
    assert.deepEqual(faults, [
      { address: '192.0.2.2', says: 'interface "va" is that of 192.0.2.1' },
      { address: '192.0.2.3', says: 'class 1 is that of 192.0.2.1' },
    ]);
  });

  for (const overcommit of [1, 2])
    it(`gives two families on one interface one limit, that of IPv4 (ratio ${overcommit})`, () => {
      const node = { uplink: { ...UPLINK, overcommit }, kernel: KERNEL, mtuOf: () => 1500 };
      const six = { ...base, address: '2001:db8::5', classMinor: 2 };
      const four = { ...base, address: '203.0.113.5' };
      const alone = wantedShape([four], node);
      const both = wantedShape([six, four], node);
      assert.deepEqual(both.faults, []);
      assert.equal(both.sharers.get(six.address)?.address, four.address);
      const added = (both.shape.get('corral-out')?.tree?.sortings ?? []).filter(
        ({ table }) => table === 6,
      );
      assert.deepEqual(
        added,
        overcommit === 1 ? [] : [{ table: 6, bucket: 5, from: 'va', minor: 1 }],
      );
      if (overcommit === 1) assert.deepEqual(both.shape, alone.shape);
      const apart = wantedShape([{ ...six, netInKbit: 9 }, four], node);
      assert.match(apart.faults[0]?.says ?? '', /shares .* limit of 203.0.113.5/);
      assert.deepEqual(apart.shape, alone.shape);
    });

  it('says what the kernel lacks', () => {
    const node = { uplink: UPLINK, kernel: { ...KERNEL, htb: false }, mtuOf: () => 1500 };
    assert.match(wantedShape([base], node).faults[0]?.says ?? '', /no htb/);
  });
});

describe('driftSince', () => {
  it('finds nothing where nothing was touched, and something wherever steps are needed', () =>
    fc.assert(
      fc.property(shapes, damages, (shape, harm) => {
        const before = applyAll(stepsTowards(shape, HOST), HOST);
        assert.deepEqual(driftSince(shape, before, before), []);
        const harmed = new Map(before);
        for (const hurt of harm) hurt(harmed);
        const steps = stepsTowards(shape, harmed);
        const adding = steps.filter((step) => !/^(drop|un)/.test(step.do));
        if (adding.length > 0) assert.ok(driftSince(shape, before, harmed).length > 0);
      }),
    ));
});
