import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bucketFor, leafFor, tellable } from '../../src/core/shape-bucket.ts';
import type { Kernel } from '../../src/core/shape.ts';

const KERNEL: Kernel = {
  htb: true,
  ifb: true,
  redirect: true,
  fqCodel: false,
  tbf: true,
  bfifo: true,
};
const rates = fc.integer({ min: 1, max: 400_000_000 });
const mtus = fc.constantFrom(576, 1500, 9000);

describe('bucketFor', () => {
  for (const { says, kbit, burst, quantum } of [
    { says: 'two frames at the very least', kbit: 64, burst: 3036, quantum: 3036 },
    { says: '100 ms while that is small', kbit: 1_000, burst: 12_500, quantum: 3036 },
    { says: 'one packet of 64 KiB and a frame', kbit: 10_000, burst: 67_036, quantum: 3036 },
    { says: 'the same at 100 Mbit/s', kbit: 100_000, burst: 67_036, quantum: 12_500 },
    { says: '4 ms once that is more', kbit: 1_000_000, burst: 500_000, quantum: 60_000 },
  ])
    it(`${says}: ${kbit} kbit/s`, () =>
      assert.deepEqual(bucketFor(kbit, 1500), { burstBytes: burst, quantumBytes: quantum }));

  for (const { says, kbit, burst } of [
    { says: '20 ms while that is small', kbit: 2_000, burst: 5_000 },
    { says: '25 kB', kbit: 10_000, burst: 25_000 },
    { says: '4 ms once that is more', kbit: 100_000, burst: 50_000 },
  ])
    it(`above a queue that cuts: ${says}, ${kbit} kbit/s`, () => {
      const leaf = leafFor(kbit, 1500, KERNEL);
      assert.equal(leaf?.kind, 'split');
      assert.equal(bucketFor(kbit, 1500, leaf).burstBytes, burst);
    });

  it('nor more than 1.02 times where the queue cuts', () =>
    fc.assert(
      fc.property(rates, mtus, (kbit, mtu) => {
        const leaf = leafFor(kbit, mtu, KERNEL);
        fc.pre(leaf?.kind === 'split');
        const { burstBytes } = bucketFor(kbit, mtu, leaf);
        assert.ok(burstBytes <= Math.ceil(kbit * 125 * 0.02) + 2 * (mtu + 18));
      }),
    ));

  it('never lets the first second carry more than 1.1 times the limit and two frames', () =>
    fc.assert(
      fc.property(rates, mtus, (kbit, mtu) => {
        const secondBytes = (kbit * 1000) / 8;
        const { burstBytes } = bucketFor(kbit, mtu);
        assert.ok(burstBytes <= Math.ceil(secondBytes * 0.1) + 2 * (mtu + 18));
      }),
    ));
});

describe('leafFor', () => {
  for (const { says, kbit, kernel, mtu = 1500, leaf } of [
    {
      says: 'cuts packets at low rates',
      kbit: 10_000,
      leaf: { kind: 'split', limitBytes: 22_500 },
    },
    {
      says: 'queues 4 ms of cut packets',
      kbit: 100_000,
      leaf: { kind: 'split', limitBytes: 50_000 },
    },
    {
      says: 'queues 5 ms of whole ones from 250 Mbit/s',
      kbit: 250_000,
      leaf: { kind: 'bfifo', limitBytes: 156_250 },
    },
    {
      says: 'takes fq_codel where the kernel has it',
      kbit: 100_000,
      kernel: { fqCodel: true },
      leaf: { kind: 'fq_codel', limitPackets: 1024, targetUs: 5_000, quantumBytes: 1518 },
    },
    {
      says: 'gives a slow fq_codel the time of one and a half frames',
      kbit: 1_000,
      kernel: { fqCodel: true },
      leaf: { kind: 'fq_codel', limitPackets: 1024, targetUs: 18_216, quantumBytes: 1518 },
    },
    {
      says: 'holds one packet of 64 KiB without tbf',
      kbit: 10_000,
      kernel: { tbf: false },
      leaf: { kind: 'bfifo', limitBytes: 67_036 },
    },
    {
      says: 'never cuts below the frames of a large MTU',
      kbit: 10_000,
      mtu: 65_535,
      leaf: { kind: 'bfifo', limitBytes: 131_071 },
    },
    { says: "leaves HTB's own", kbit: 10_000, kernel: { tbf: false, bfifo: false } },
  ])
    it(says, () => assert.deepEqual(leafFor(kbit, mtu, { ...KERNEL, ...kernel }), leaf));
});

describe('tellable', () => {
  for (const [kbit, told] of [
    [0.2, 1],
    [123_456.7, 123_456],
    [999_999, 999_999],
    [1_234_567, 1_234_000],
    [1_234_567_890, 1_234_000_000],
    [1e300, 4_000_000_000],
  ] as const)
    it(`${kbit} is told as ${told}`, () => assert.equal(tellable(kbit), told));

  it('is never more than asked, beyond one kbit/s', () =>
    fc.assert(
      fc.property(rates, (kbit) => {
        assert.ok(tellable(kbit) <= kbit && tellable(kbit) >= kbit * 0.999);
      }),
    ));
});
