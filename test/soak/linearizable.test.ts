import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Deal, Release, Take } from './history.ts';
import { unexplained } from './linearizable.ts';
import { explainedByBruteForce } from './linearizable-twin.ts';

const take = (
  holder: string,
  address: string | undefined,
  asked: number,
  answered?: number,
): Take => ({
  does: 'take',
  holder,
  ...(address === undefined ? {} : { address }),
  asked,
  ...(answered === undefined ? {} : { answered }),
});
const release = (
  holder: string,
  address: string,
  [asked, answered]: readonly [number, number?],
  found?: Release['found'],
): Release => ({
  does: 'release',
  holder,
  address,
  asked,
  ...(answered === undefined ? {} : { answered }),
  ...(found === undefined ? {} : { found }),
});

describe('unexplained', () => {
  const rows: readonly { says: string; history: Deal[]; sound: boolean }[] = [
    { says: 'nothing at all', history: [], sound: true },
    {
      says: 'one after the other',
      history: [take('a', '1', 0, 1), release('a', '1', [2, 3], 'it'), take('b', '1', 4, 5)],
      sound: true,
    },
    {
      says: 'given twice',
      history: [take('a', '1', 0, 1), take('b', '1', 2, 3)],
      sound: false,
    },
    {
      says: 'given twice at once',
      history: [take('a', '1', 0, 5), take('b', '1', 0, 5)],
      sound: false,
    },
    {
      says: 'two addresses, a holder each',
      history: [take('a', '1', 0, 1), take('b', '2', 0, 1)],
      sound: true,
    },
    {
      says: 'the same wish, twice, one answer',
      history: [take('a', '1', 0, 1), take('a', '1', 2, 3)],
      sound: true,
    },
    {
      says: 'given while its release was on its way',
      history: [take('a', '1', 0, 1), release('a', '1', [2, 9], 'it'), take('b', '1', 3, 4)],
      sound: true,
    },
    {
      says: 'given before its release was asked for',
      history: [take('a', '1', 0, 1), take('b', '1', 2, 3), release('a', '1', [4, 5], 'it')],
      sound: false,
    },
    {
      says: 'a release without an answer that must have happened',
      history: [take('a', '1', 0, 1), release('a', '1', [2]), take('b', '1', 50, 51)],
      sound: true,
    },
    {
      says: 'a release without an answer that happens between two others of its holder, long after',
      history: [
        take('a', '1', 0, 1),
        release('a', '1', [2]),
        take('a', '1', 10, 11),
        take('b', '1', 50, 51),
      ],
      sound: true,
    },
    {
      says: 'a release without an answer cannot happen twice',
      history: [
        take('a', '1', 0, 1),
        release('a', '1', [2]),
        take('b', '1', 10, 11),
        release('b', '1', [12, 13], 'it'),
        take('a', '1', 20, 21),
        take('c', '1', 30, 31),
      ],
      sound: false,
    },
    {
      says: 'a take without an answer that is found by its release',
      history: [take('a', undefined, 0), release('a', '1', [5, 6], 'it')],
      sound: true,
    },
    {
      says: 'a take without an answer that two addresses would need',
      history: [
        take('a', undefined, 0),
        release('a', '1', [5, 6], 'it'),
        release('a', '2', [5, 6], 'it'),
      ],
      sound: false,
    },
    {
      says: 'two takes without an answer, an address each',
      history: [
        take('a', undefined, 0),
        take('a', undefined, 0),
        release('a', '1', [5, 6], 'it'),
        release('a', '2', [5, 6], 'it'),
      ],
      sound: true,
    },
    {
      says: 'a take that was asked for only after its release found it',
      history: [release('a', '1', [0, 1], 'it'), take('a', undefined, 2)],
      sound: false,
    },
    {
      says: 'a release that did not find it while it was held',
      history: [take('a', '1', 0, 1), release('a', '1', [2, 3], 'not it')],
      sound: false,
    },
    {
      says: 'a release that found the later holder',
      history: [
        take('a', '1', 0, 1),
        release('a', '1', [2]),
        take('b', '1', 3, 4),
        release('a', '1', [5, 6], { other: 'b' }),
      ],
      sound: true,
    },
    {
      says: 'a release that found a holder who had not come yet',
      history: [release('a', '1', [0, 1], { other: 'b' }), take('b', '1', 2, 3)],
      sound: false,
    },
    {
      says: "a late release of an earlier holder takes the later holder's address, unnoticed",
      history: [
        take('a', '1', 0, 1),
        release('a', '1', [2, 3], 'it'),
        take('b', '1', 4, 5),
        release('a', '1', [6, 7]),
        take('c', '1', 8, 9),
      ],
      sound: false,
    },
  ];
  for (const { says, history, sound } of rows)
    it(`${sound ? 'explains' : 'cannot explain'}: ${says}`, () => {
      assert.equal(unexplained(history) === undefined, sound);
      assert.equal(explainedByBruteForce(history), sound);
    });

  it('says which address, and what could not come next', () => {
    const fault = unexplained([take('a', '1', 0, 1), take('a', '2', 0, 1), take('b', '2', 2, 3)]);
    assert.deepEqual(fault, {
      address: '2',
      explained: 1,
      stuck: [take('b', '2', 2, 3)],
      held: 'a',
    });
  });

  it('takes 20,000 deals on one address, a tenth without an answer, without growing slow', () => {
    const history: Deal[] = [];
    for (let n = 0; n < 10_000; n += 1) {
      const at = n * 10;
      history.push(take(`h${n}`, '1', at, at + 4));
      history.push(release(`h${n}`, '1', n % 5 === 0 ? [at + 5] : [at + 5, at + 9], 'it'));
    }
    assert.equal(unexplained(history), undefined);
  });
});

const HOLDERS = ['a', 'b', 'c'];
const ADDRESSES = ['1', '2'];
const timed = fc.record({
  holder: fc.constantFrom(...HOLDERS),
  asked: fc.integer({ min: 0, max: 12 }),
  lasts: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined, freq: 3 }),
});
const anyTake = fc
  .tuple(timed, fc.constantFrom(...ADDRESSES), fc.boolean())
  .map(([{ holder, asked, lasts }, address, any]) =>
    take(
      holder,
      lasts === undefined && any ? undefined : address,
      asked,
      lasts === undefined ? undefined : asked + lasts,
    ),
  );
const found = fc.option(
  fc.oneof(
    fc.constant('it' as const),
    fc.constant('not it' as const),
    fc.constantFrom(...HOLDERS).map((other) => ({ other })),
  ),
  { nil: undefined },
);
const anyRelease = fc
  .tuple(timed, fc.constantFrom(...ADDRESSES), found)
  .map(([{ holder, asked, lasts }, address, what]) =>
    lasts === undefined
      ? release(holder, address, [asked])
      : release(
          holder,
          address,
          [asked, asked + lasts],
          typeof what === 'object' && what.other === holder ? 'it' : what,
        ),
  );

/** Plays deals one after the other and widens each to an interval: such a history is always sound. */
const played = fc
  .array(
    fc.record({
      does: fc.constantFrom('take' as const, 'release' as const),
      holder: fc.constantFrom(...HOLDERS),
      address: fc.constantFrom(...ADDRESSES),
      before: fc.integer({ min: 0, max: 3 }),
      behind: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 4 }),
      silent: fc.boolean(),
    }),
    { maxLength: 7 },
  )
  .map((steps) => {
    const held = new Map<string, string>();
    return steps.flatMap(({ does, holder, address, before, behind, silent }, n): Deal[] => {
      const [asked, answered] = [n - before, behind === undefined ? undefined : n + behind];
      const now = held.get(address);
      if (does === 'take') {
        if (now !== undefined && now !== holder) return [];
        held.set(address, holder);
        return [
          take(holder, answered === undefined && silent ? undefined : address, asked, answered),
        ];
      }
      if (now === holder) held.delete(address);
      if (answered === undefined) return [release(holder, address, [asked])];
      const what =
        now === holder ? 'it' : now === undefined || address === '2' ? 'not it' : { other: now };
      return [release(holder, address, [asked, answered], silent ? undefined : what)];
    });
  });

const names = (deal: Deal, holder: string): boolean =>
  deal.does === 'release' && typeof deal.found === 'object' && deal.found.other === holder;

describe('unexplained and its brute-force twin', () => {
  it('agree on histories out of the blue', () => {
    let sound = 0;
    fc.assert(
      fc.property(fc.array(fc.oneof(anyTake, anyRelease), { maxLength: 6 }), (history) => {
        const mine = unexplained(history) === undefined;
        if (mine) sound += 1;
        assert.equal(mine, explainedByBruteForce(history));
      }),
      { numRuns: 3_000 },
    );
    assert(sound > 300, `only ${sound} of 3,000 were sound`);
  });

  it('agree that what was played one after the other is sound', () => {
    fc.assert(
      fc.property(played, (history) => {
        assert.equal(unexplained(history), undefined);
        assert.equal(explainedByBruteForce(history), true);
      }),
      { numRuns: 500 },
    );
  });

  it('agree when one deal of a sound history is told otherwise', () => {
    let unsound = 0;
    fc.assert(
      fc.property(played, fc.nat(), fc.constantFrom(...HOLDERS), (history, place, holder) => {
        const changed = history.map((deal, n) =>
          n === place % history.length && !names(deal, holder) ? { ...deal, holder } : deal,
        );
        const mine = unexplained(changed) === undefined;
        if (!mine) unsound += 1;
        assert.equal(mine, explainedByBruteForce(changed));
      }),
      { numRuns: 2_000 },
    );
    assert(unsound > 50, `only ${unsound} of 2,000 were unsound`);
  });
});
