import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../src/core/address.ts';
import { EMPTY_BLOCK, taken } from '../../src/core/block.ts';
import { maskOfOffsets, NO_BITS, offsetsIn } from '../../src/core/mask.ts';
import {
  addressAt,
  blockNumbers,
  freeInPool,
  holdingsIn,
  isUsable,
  placeOf,
  poolSpace,
  reaches,
  sizeOf,
  usableMask,
} from '../../src/core/pool.ts';
import type { PoolRecord } from '../../src/core/topology-record.ts';
import { countBlock } from '../../src/core/snapshot-blocks.ts';

const pool = (over: Partial<PoolRecord>): PoolRecord => ({
  v: 1,
  cidr: '198.51.100.0/24',
  ranges: [{ from: '198.51.100.10', to: '198.51.100.19' }],
  exclude: [],
  nodes: {},
  ...over,
});

/** Ranges as offsets in 2001:db8::/64, up to a thousand, so that several blocks are touched. */
const spread = fc
  .uniqueArray(fc.nat(1000), { minLength: 2, maxLength: 8 })
  .map((ends) => ends.sort((a, b) => a - b))
  .map((ends) => ends.slice(0, ends.length - (ends.length % 2)));
const at = (offset: number): string =>
  formatAddress({ family: 6, value: parseAddress('2001:db8::').value + BigInt(offset) });
const recordOf = (ends: number[], excluded: number[]): PoolRecord =>
  pool({
    cidr: '2001:db8::/64',
    ranges: ends.flatMap((from, i) => (i % 2 ? [] : [{ from: at(from), to: at(ends[i + 1]!) }])),
    exclude: excluded.map(at),
  });

describe('a pool', () => {
  it('agrees with the plain set of its addresses', () =>
    fc.assert(
      fc.property(spread, fc.uniqueArray(fc.nat(1000), { maxLength: 9 }), (ends, excluded) => {
        const space = poolSpace(recordOf(ends, excluded));
        const usable = Array.from({ length: 1001 }, (_, o) => o).filter(
          (o) =>
            !excluded.includes(o) &&
            ends.some((from, i) => !(i % 2) && from <= o && o <= ends[i + 1]!),
        );
        assert.equal(sizeOf(space), usable.length);
        const found = [...blockNumbers(space, 0n)].flatMap((n) =>
          offsetsIn(usableMask(space, n)).map((offset) => addressAt(space, { block: n, offset })),
        );
        assert.deepEqual(found.map(formatAddress), usable.map(at));
        for (const o of [0, 255, 256, 511, 1000])
          assert.equal(isUsable(space, parseAddress(at(o))), usable.includes(o));
      }),
      { numRuns: 60 },
    ));

  it('keeps each address in its block when ranges change', () => {
    const narrow = poolSpace(pool({}));
    const wide = poolSpace(pool({ ranges: [{ from: '198.51.100.1', to: '198.51.100.254' }] }));
    const address = parseAddress('198.51.100.12');
    assert.deepEqual(placeOf(narrow, address), { block: 0n, offset: 12 });
    assert.deepEqual(placeOf(wide, address), placeOf(narrow, address));
  });

  it('places addresses at the far end of a /64', () => {
    const space = poolSpace(
      pool({
        cidr: '2001:db8::/64',
        ranges: [{ from: '2001:db8::ffff:ffff:ffff:fff0', to: '2001:db8::ffff:ffff:ffff:fffe' }],
      }),
    );
    const last = parseAddress('2001:db8::ffff:ffff:ffff:fffe');
    const place = placeOf(space, last);
    assert.deepEqual(place, { block: 2n ** 56n - 1n, offset: 254 });
    assert.deepEqual(addressAt(space, place), last);
    assert.deepEqual([...blockNumbers(space, 0n)], [2n ** 56n - 1n]);
    assert.deepEqual(
      offsetsIn(usableMask(space, place.block)),
      Array.from({ length: 15 }, (_, i) => 240 + i),
    );
    assert.equal(sizeOf(space), 15);
  });

  it('counts a whole /64 without walking it', () => {
    const whole = { from: '2001:db8::1', to: '2001:db8::ffff:ffff:ffff:ffff' };
    const space = poolSpace(pool({ cidr: '2001:db8::/64', ranges: [whole] }));
    assert.equal(sizeOf(space), Number.MAX_SAFE_INTEGER);
    assert.equal(blockNumbers(space, 2n ** 55n).next().value, 2n ** 55n);
  });

  it('walks its blocks once round from anywhere', () => {
    const space = poolSpace(recordOf([0, 10, 300, 310, 320, 330, 700, 900], []));
    assert.deepEqual([...blockNumbers(space, 2n)], [2n, 3n, 0n, 1n]);
  });

  it('takes held, cooling and quarantined addresses off the free count, and only those in its ranges', () => {
    const space = poolSpace(pool({}));
    const held = taken(EMPTY_BLOCK, { node: 'node-1', offset: 10, nowMs: 0 });
    const block = {
      ...held,
      cooling: { 11: 50, 200: 50 },
      quarantined: { 12: 'squatter', 201: 'x' },
    };
    assert.equal(freeInPool(space, [], 0), 10);
    assert.equal(freeInPool(space, [[0n, block]], 49), 7);
    assert.equal(freeInPool(space, [[0n, block]], 50), 8);
    assert.equal(usableMask(space, 1n), NO_BITS);
  });

  it('counts what nodes keep in stock as free, for they give it back when others starve', () => {
    const space = poolSpace(pool({}));
    const spare = { ...EMPTY_BLOCK, spare: { 'node-1': maskOfOffsets([10]) } };
    assert.equal(freeInPool(space, [[0n, spare]], 0), 10);
    const counts = countBlock(spare, usableMask(space, 0n), 0);
    assert.deepEqual([counts.spare, counts.withheld], [1, 0]);
  });

  it('lists who holds what', () => {
    const block = taken(taken(EMPTY_BLOCK, { node: 'b', offset: 10, nowMs: 0 }), {
      node: 'a',
      offset: 12,
      nowMs: 0,
    });
    assert.deepEqual(
      holdingsIn(poolSpace(pool({})), 0n, block).map(({ node, address }) => [
        node,
        formatAddress(address),
      ]),
      [
        ['b', '198.51.100.10'],
        ['a', '198.51.100.12'],
      ],
    );
  });
});

describe('reaches', () => {
  for (const { says, selector, attributes = {}, gives } of [
    { says: 'an empty selector takes every node', selector: {}, gives: true },
    {
      says: 'empty lists are an empty selector',
      selector: { names: [], attributes: {} },
      gives: true,
    },
    { says: 'a listed name is taken', selector: { names: ['node-1'] }, gives: true },
    { says: 'an unlisted name is not', selector: { names: ['node-2'] }, gives: false },
    {
      says: 'all attributes must agree',
      selector: { attributes: { rack: 'r1', row: '2' } },
      attributes: { rack: 'r1' },
      gives: false,
    },
    {
      says: 'agreeing attributes are taken',
      selector: { attributes: { rack: 'r1' } },
      attributes: { rack: 'r1', row: '2' },
      gives: true,
    },
    {
      says: 'a name is enough beside attributes',
      selector: { names: ['node-1'], attributes: { rack: 'r9' } },
      gives: true,
    },
    {
      says: 'inherited names are no attributes',
      selector: { attributes: { constructor: 'x' } },
      gives: false,
    },
  ] as const) {
    it(says, () => assert.equal(reaches(selector, 'node-1', attributes), gives));
  }
});
