import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EMPTY_BLOCK } from '../../src/core/block.ts';
import { maskOfOffsets } from '../../src/core/mask.ts';
import { poolSpace, usableMask } from '../../src/core/pool.ts';
import type { BlockRecord, TallyRecord } from '../../src/core/lease-record.ts';
import type { PoolRecord } from '../../src/core/topology-record.ts';
import {
  isKept,
  keeping,
  laidToRest,
  reservedOf,
  reservedOfPool,
  reserveIn,
  restLimit,
  restsUntil,
  unreserved,
  wholeBlock,
} from '../../src/core/reserve.ts';
import { countBlock } from '../../src/core/snapshot-blocks.ts';
import { Snapshot } from '../../src/core/snapshot.ts';
import { runs } from '../runs.ts';

const EMPTY: TallyRecord = { v: 1, netInKbit: 0, netOutKbit: 0, pools: {}, apps: {} };
const POOLS = ['p', 'constructor'];

const place = fc.record({
  pool: fc.constantFrom(...POOLS),
  block: fc.constantFrom(0n, 3n),
  offset: fc.constantFrom(0, 31, 32, 255),
});
const step = fc.record({
  do: fc.constantFrom('keep', 'rest', 'drop'),
  place,
  untilMs: fc.nat(100),
});

describe('a reserve', () => {
  it('is what a table of addresses would be', () =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const table = new Map<string, 'kept' | number>();
        let tally = EMPTY;
        for (const { do: what, place: at, untilMs } of steps) {
          const name = `${at.pool} ${at.block} ${at.offset}`;
          if (what === 'keep') table.set(name, 'kept');
          else if (what === 'rest') table.set(name, untilMs);
          else table.delete(name);
          if (what === 'keep') tally = keeping(tally, at);
          else tally = what === 'rest' ? laidToRest(tally, at, untilMs) : unreserved(tally, at);
          assert.equal(isKept(tally, at), table.get(name) === 'kept');
          assert.equal(restsUntil(tally, at), what === 'rest' ? untilMs : undefined);
        }
        const all = reservedOf(tally).map(({ pool, block, offset, restsUntilMs = 'kept' }) => [
          `${pool} ${block} ${offset}`,
          restsUntilMs,
        ]);
        assert.deepEqual(Object.fromEntries(all), Object.fromEntries(table));
        assert.equal(all.length, table.size);
        assert.equal(tally.reserve === undefined, table.size === 0, 'nothing empty is left');
        for (const pool of POOLS) {
          const rests = reservedOfPool(tally, pool).map((one) => one.restsUntilMs ?? Infinity);
          assert.deepEqual(
            rests,
            [...rests].sort((a, b) => a - b || 0),
          );
        }
      }),
    ));

  for (const { says, usable, sharers, gives } of [
    { says: 'eight at most', usable: 256, sharers: 1, gives: 8 },
    { says: 'a part that all together are a quarter', usable: 256, sharers: 16, gives: 4 },
    { says: 'one where the block is crowded', usable: 256, sharers: 200, gives: 1 },
    { says: 'one of a handful of addresses', usable: 5, sharers: 1, gives: 1 },
    { says: 'as much before anybody has one', usable: 256, sharers: 0, gives: 8 },
  ])
    it(`may rest with a node: ${says}`, () => assert.equal(restLimit({ usable, sharers }), gives));

  it('completes a block: what is kept is room of one, what rests cools and is then free', () => {
    const held = { a: maskOfOffsets([1, 2, 3]), b: maskOfOffsets([9]) };
    const whole = wholeBlock({ ...EMPTY_BLOCK, held }, [
      ['a', { kept: maskOfOffsets([2]), resting: { 3: 50 } }],
      ['stranger', { kept: maskOfOffsets([9]) }],
    ]);
    assert.deepEqual(whole.held, { a: maskOfOffsets([1]), b: maskOfOffsets([9]) });
    const all = maskOfOffsets(Array.from({ length: 10 }, (_, n) => n));
    const counts = (nowMs: number) => {
      const { held: leased, spare, cooling, withheld } = countBlock(whole, all, nowMs);
      return [leased, spare, cooling, withheld];
    };
    assert.deepEqual(counts(49), [2, 1, 1, 3]);
    assert.deepEqual(counts(50), [2, 1, 0, 2]);
  });
});

const pool: PoolRecord = {
  v: 1,
  cidr: '192.0.2.0/24',
  ranges: [{ from: '192.0.2.0', to: '192.0.2.15' }],
  exclude: [],
  nodes: { names: [], attributes: {} },
};

describe('the picture of a pool', () => {
  const offsets = fc.uniqueArray(fc.nat(15), { maxLength: 8 });
  const change = fc.oneof(
    fc.record({ do: fc.constant('block' as const), node: fc.nat(1), offsets }),
    fc.record({ do: fc.constant('tally' as const), node: fc.nat(1), offsets, at: fc.nat(40) }),
    fc.record({ do: fc.constant('pool' as const) }),
    fc.record({ do: fc.constant('now' as const), at: fc.nat(40) }),
  );

  it('is that of its blocks completed by the tallies, in whatever order they come', () =>
    fc.assert(
      fc.property(fc.array(change, { maxLength: 25 }), (changes) => {
        const snapshot = new Snapshot();
        snapshot.setNow(0);
        const tallies = new Map<string, TallyRecord>();
        let block: BlockRecord = EMPTY_BLOCK;
        let nowMs = 0;
        for (const one of [...changes, { do: 'pool' as const }]) {
          if (one.do === 'block') {
            const others = { ...block.held, [`n${one.node}`]: maskOfOffsets(one.offsets) };
            block = { ...block, held: others };
            snapshot.setBlock('p', 0n, block);
          } else if (one.do === 'tally') {
            const at = (offset: number) => ({ pool: 'p', block: 0n, offset });
            const tally = one.offsets.reduce(
              (sum, offset) =>
                offset % 2 === 0 ? keeping(sum, at(offset)) : laidToRest(sum, at(offset), one.at),
              EMPTY,
            );
            tallies.set(`n${one.node}`, tally);
            snapshot.setTally(`n${one.node}`, tally);
          } else if (one.do === 'now') {
            nowMs = Math.max(nowMs, one.at);
            snapshot.setNow(nowMs);
          } else snapshot.setPool('p', pool);
        }
        const whole = wholeBlock(
          block,
          [...tallies].map(([node, tally]) => [node, reserveIn(tally, 'p', 0n)] as const),
        );
        const { held, spare, cooling, withheld } = countBlock(
          whole,
          usableMask(poolSpace(pool), 0n),
          nowMs,
        );
        const seen = snapshot.pools().find(({ name }) => name === 'p');
        assert.deepEqual(
          [seen?.held, seen?.spare, seen?.cooling, seen?.unheld],
          [held, spare, cooling, 16 - withheld],
        );
      }),
      { numRuns: runs(300) },
    ));
});
