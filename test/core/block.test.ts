import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  EMPTY_BLOCK,
  freeIn,
  givenBack,
  holderOf,
  maskOf,
  nextFit,
  taken,
} from '../../src/core/block.ts';
import { maskOfSpan, NO_BITS, offsetsIn, withBit } from '../../src/core/mask.ts';

const maskFrom = (set: Iterable<number>): string => [...set].reduce(withBit, NO_BITS);
const sorted = (set: Iterable<number>): number[] => [...set].sort((a, b) => a - b);

/** The same bookkeeping with plain sets: what a block is worth is that it never disagrees. */
class Model {
  readonly holder = new Map<number, string>();
  readonly cooling = new Map<number, number>();
  constructor(readonly usable: ReadonlySet<number>) {}
  free(nowMs: number): number[] {
    const cool = (o: number): boolean => (this.cooling.get(o) ?? 0) <= nowMs;
    return sorted(this.usable).filter((o) => !this.holder.has(o) && cool(o));
  }
}

describe('a block', () => {
  it('agrees with plain sets through any run of takes and returns', () => {
    const act = fc.record({
      node: fc.constantFrom('node-1', 'node-2', 'constructor'),
      give: fc.boolean(),
      waitMs: fc.nat(50),
      pick: fc.nat(),
    });
    const usable = fc.uniqueArray(fc.nat(255), { minLength: 1, maxLength: 12 });
    fc.assert(fc.property(usable, fc.array(act, { maxLength: 60 }), playOut));
  });

  function playOut(
    usable: number[],
    acts: { node: string; give: boolean; waitMs: number; pick: number }[],
  ): void {
    const model = new Model(new Set(usable));
    let block = EMPTY_BLOCK;
    let nowMs = 0;
    for (const { node, give, waitMs, pick } of acts) {
      nowMs += waitMs;
      const held = sorted(model.holder.keys());
      const back = give ? held[pick % Math.max(held.length, 1)] : undefined;
      if (back !== undefined) {
        block = givenBack(block, {
          node: model.holder.get(back)!,
          offset: back,
          coolUntilMs: nowMs + 30,
        });
        model.holder.delete(back);
        model.cooling.set(back, nowMs + 30);
      }
      const free = model.free(nowMs);
      const found = nextFit(block, maskFrom(usable), nowMs);
      const expected = free.find((o) => o >= block.cursor) ?? free[0];
      assert.equal(found, expected);
      if (found !== undefined && !give) {
        block = taken(block, { node, offset: found, nowMs });
        model.holder.set(found, node);
      }
      assert.deepEqual(offsetsIn(freeIn(block, maskFrom(usable), nowMs)), model.free(nowMs));
      for (const [o, holder] of model.holder) assert.equal(holderOf(block, o), holder);
      const of = sorted([...model.holder].filter(([, n]) => n === node).map(([o]) => o));
      assert.deepEqual(offsetsIn(maskOf(block, node)), of);
    }
  }

  it('never hands out what is quarantined', () => {
    const block = { ...EMPTY_BLOCK, quarantined: { 0: 'claimed by 02:00:00:00:00:01' } };
    assert.equal(nextFit(block, maskOfSpan(0, 1), 0), 1);
    assert.equal(nextFit(block, maskOfSpan(0, 0), 0), undefined);
  });

  it('frees an address at the very millisecond its cooling ends', () => {
    const block = { ...EMPTY_BLOCK, cooling: { 3: 1000 } };
    assert.equal(nextFit(block, maskOfSpan(3, 3), 999), undefined);
    assert.equal(nextFit(block, maskOfSpan(3, 3), 1000), 3);
  });

  it('forgets a node that holds nothing any more', () => {
    const held = taken(EMPTY_BLOCK, { node: 'node-1', offset: 7, nowMs: 0 });
    const back = givenBack(held, { node: 'node-1', offset: 7, coolUntilMs: 5 });
    assert.deepEqual(back, { v: 1, held: {}, cursor: 8, cooling: { 7: 5 }, quarantined: {} });
  });
});
