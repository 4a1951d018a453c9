import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { LimitStanding, LimitWish } from '../../src/core/limit-edit.ts';
import { judgeLimit, MOST_LIMIT_KBIT, resetWish, sameLimit } from '../../src/core/limit-edit.ts';
import { BadLimit, LimitPastLink } from '../../src/core/limit-errors.ts';
import type { NodeRecord } from '../../src/core/topology-record.ts';
import { runs } from '../runs.ts';

const link: NodeRecord = {
  v: 1,
  linkInKbit: 1_000_000,
  linkOutKbit: 500_000,
  overcommit: 1,
  headroom: 0.9,
  attributes: {},
};
/** 900 and 450 Mbit/s may be shared out; 600 and 300 are, 100 and 50 of them by this one. */
const standing: LimitStanding = {
  node: 'node-1',
  address: '192.0.2.7',
  link,
  tally: { netInKbit: 600_000, netOutKbit: 300_000 },
  counted: { netInKbit: 100_000, netOutKbit: 50_000, classMinor: 256 },
  promised: { inKbit: 0, outKbit: 0 },
};
const forcedNow = { ...standing.counted, forced: true } as const;

describe('judgeLimit', () => {
  for (const { says, at = standing, wish, gives } of [
    {
      says: 'raises one direction up to the last kbit, and leaves the other alone',
      wish: { netInKbit: 400_000 },
      gives: { netInKbit: 400_000, netOutKbit: 50_000, classMinor: 256 },
    },
    {
      says: 'lowers both',
      wish: { netInKbit: 8, netOutKbit: 9 },
      gives: { netInKbit: 8, netOutKbit: 9, classMinor: 256 },
    },
    {
      says: 'lowers even where the sums pass the link already',
      at: { ...standing, tally: { netInKbit: 2_000_000, netOutKbit: 300_000 } },
      wish: { netInKbit: 99_999 },
      gives: { netInKbit: 99_999, netOutKbit: 50_000, classMinor: 256 },
    },
    {
      says: 'raises one direction where only the other one passes the link',
      at: { ...standing, tally: { netInKbit: 2_000_000, netOutKbit: 300_000 } },
      wish: { netOutKbit: 60_000 },
      gives: { netInKbit: 100_000, netOutKbit: 60_000, classMinor: 256 },
    },
    {
      says: 'marks what was forced past the link',
      wish: { netInKbit: 400_001, force: true },
      gives: { netInKbit: 400_001, netOutKbit: 50_000, classMinor: 256, forced: true },
    },
    {
      says: 'marks nothing that would have fitted anyway',
      wish: { netInKbit: 400_000, force: true },
      gives: { netInKbit: 400_000, netOutKbit: 50_000, classMinor: 256 },
    },
    {
      says: 'keeps the mark while the sums still pass the link',
      at: { ...standing, counted: forcedNow, tally: { netInKbit: 950_000, netOutKbit: 1 } },
      wish: { netInKbit: 60_000 },
      gives: { netInKbit: 60_000, netOutKbit: 50_000, classMinor: 256, forced: true },
    },
    {
      says: 'takes the mark off once they fit',
      at: { ...standing, counted: forcedNow, tally: { netInKbit: 950_000, netOutKbit: 1 } },
      wish: { netInKbit: 50_000 },
      gives: { netInKbit: 50_000, netOutKbit: 50_000, classMinor: 256 },
    },
    {
      says: 'leaves a direction that is out of bounds alone when it is not to change',
      at: { ...standing, counted: { netInKbit: 1, netOutKbit: 1, classMinor: 300 } },
      wish: { netInKbit: 1, netOutKbit: 10 },
      gives: { netInKbit: 1, netOutKbit: 10, classMinor: 300 },
    },
    {
      says: 'counts overcommit as room',
      at: { ...standing, link: { ...link, overcommit: 2 } },
      wish: { netInKbit: 1_300_000 },
      gives: { netInKbit: 1_300_000, netOutKbit: 50_000, classMinor: 256 },
    },
  ] as { says: string; at?: LimitStanding; wish: LimitWish; gives: unknown }[]) {
    it(says, () => assert.deepEqual(judgeLimit(at, wish), gives));
  }

  for (const { says, at = standing, wish, message, remedy } of [
    {
      says: 'refuses what passes the link, with every figure and the way out',
      wish: { netInKbit: 400_001 },
      message:
        'the limits on node "node-1" would not fit its link, raising 192.0.2.7: net_in from 100 Mbit/s to 400.001 Mbit/s would make them 900.001 Mbit/s, and the link takes 900 Mbit/s (1 Gbit/s × headroom 0.9 × overcommit 1)',
      remedy:
        'set net_in to at most 400 Mbit/s, lower other limits, raise the link or its overcommit (corral node set), or insist with --force',
    },
    {
      says: 'names both directions',
      wish: { netInKbit: 1_000_000, netOutKbit: 1_000_000 },
      message: /net_in from .*; net_out from 50 Mbit\/s to 1 Gbit\/s would make them 1.25 Gbit\/s/,
      remedy: /net_in to at most 400 Mbit\/s and net_out to at most 200 Mbit\/s/,
    },
    {
      says: 'does not give away what is promised to admitted apps',
      at: { ...standing, promised: { inKbit: 250_000, outKbit: 0 } },
      wish: { netInKbit: 200_000 },
      message: /make them 700 Mbit\/s, with 250 Mbit\/s more promised to admitted apps, and/,
      remedy: /at most 150 Mbit\/s/,
    },
    {
      says: 'never advises less than there is',
      at: { ...standing, tally: { netInKbit: 950_000, netOutKbit: 1 } },
      wish: { netInKbit: 100_001 },
      message: /would make them 950.001 Mbit\/s/,
      remedy: /at most 100 Mbit\/s/,
    },
  ] as {
    says: string;
    at?: LimitStanding;
    wish: LimitWish;
    message: string | RegExp;
    remedy: string | RegExp;
  }[]) {
    it(says, () =>
      assert.throws(() => judgeLimit(at, wish), { code: 'limit-past-link', message, remedy }),
    );
  }

  for (const kbit of [0, -1, 7, 8.5, NaN, Infinity, MOST_LIMIT_KBIT + 1, 10 ** 30])
    it(`refuses ${kbit} kbit/s, even when forced`, () =>
      assert.throws(() => judgeLimit(standing, { netInKbit: kbit, force: true }), BadLimit));
});

describe('judgeLimit, for any sums', () => {
  const kbit = fc.integer({ min: 8, max: 2_000_000 });
  const mine = fc.record({ netInKbit: kbit, netOutKbit: kbit });
  const standings = fc
    .record({
      mine,
      others: fc.record({ netInKbit: fc.nat(2_000_000), netOutKbit: fc.nat(2_000_000) }),
      promised: fc.record({ inKbit: fc.nat(500_000), outKbit: fc.nat(500_000) }),
      overcommit: fc.constantFrom(1, 1.5, 3),
      forced: fc.boolean(),
    })
    .map(({ mine, others, promised, overcommit, forced }): LimitStanding => ({
      ...standing,
      link: { ...link, overcommit },
      promised,
      counted: { ...mine, classMinor: 256, ...(forced && { forced }) },
      tally: {
        netInKbit: others.netInKbit + mine.netInKbit,
        netOutKbit: others.netOutKbit + mine.netOutKbit,
      },
    }));
  const ways = [
    ['netInKbit', 'inKbit', 'linkInKbit'],
    ['netOutKbit', 'outKbit', 'linkOutKbit'],
  ] as const;

  /** The dumb twin: does every direction that grows fit? */
  const fits = (at: LimitStanding, wish: LimitWish): boolean =>
    ways.every(([net, promised, capacity]) => {
      const [from, to] = [at.counted[net], wish[net] ?? at.counted[net]];
      const room = Math.floor(at.link[capacity] * 0.9 * at.link.overcommit + 0.001);
      return to <= from || at.tally[net] - from + to + at.promised[promised] <= room;
    });

  it('is made exactly when every direction that grows fits', () => {
    fc.assert(
      fc.property(standings, mine, (at, wish) => {
        const made = (() => {
          try {
            return judgeLimit(at, wish);
          } catch (fault) {
            assert(fault instanceof LimitPastLink);
            return undefined;
          }
        })();
        assert.equal(made !== undefined, fits(at, wish));
        const forced = judgeLimit(at, { ...wish, force: true });
        assert.deepEqual(
          { ...forced, forced: undefined },
          { ...wish, classMinor: 256, forced: undefined },
        );
        if (made === undefined) assert.equal(forced.forced, true);
        else assert(sameLimit(made, forced));
      }),
      { numRuns: runs(2_000) },
    );
  });

  it('is made at what the refusal advises, and not one kbit above', () => {
    let refused = 0;
    fc.assert(
      fc.property(standings, mine, (at, wish) => {
        if (fits(at, wish)) return;
        refused++;
        try {
          judgeLimit(at, wish);
          assert.fail('made');
        } catch (fault) {
          assert(fault instanceof LimitPastLink);
          for (const {
            way,
            fromKbit,
            toKbit,
            sumKbit,
            promisedKbit,
            capacityKbit,
          } of fault.overruns) {
            const most = Math.max(fromKbit, capacityKbit - promisedKbit - (sumKbit - toKbit));
            const name = way === 'net_in' ? 'netInKbit' : 'netOutKbit';
            assert.equal(judgeLimit(at, { [name]: most })[name], most);
            assert.throws(() => judgeLimit(at, { [name]: most + 1 }), LimitPastLink);
          }
        }
      }),
      { numRuns: runs(2_000) },
    );
    assert(refused > runs(200), `${refused} of ${runs(2_000)} were refused`);
  });
});

describe('resetWish', () => {
  const network = { defaultInKbit: 10, defaultOutKbit: 20 };
  for (const { says, asked, gives } of [
    { says: 'is the network default where nothing was asked', asked: undefined, gives: [10, 20] },
    { says: 'is what was asked', asked: { netInKbit: 1, netOutKbit: 2 }, gives: [1, 2] },
    { says: 'is each of them where one was', asked: { netOutKbit: 2 }, gives: [10, 2] },
  ])
    it(says, () => {
      const wish = resetWish(asked ? { asked } : {}, network);
      assert.deepEqual([wish.netInKbit, wish.netOutKbit], gives);
    });
});
