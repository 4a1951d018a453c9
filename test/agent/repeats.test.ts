import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Repeats } from '../../src/agent/repeats.ts';

const ADDRESS = '198.51.100.5';

/** What happened, second after second, and whether a release then is heeded. */
const ROWS: readonly {
  readonly says: string;
  readonly unheard?: number;
  readonly named?: number;
  /** When the agent before gave it to one who named it. */
  readonly inherited?: number;
  /** That one was killed. */
  readonly killed?: boolean;
  readonly released: number;
  readonly doubtful: boolean;
}[] = [
  { says: 'one that nobody named, right after the start', released: 1, doubtful: false },
  {
    says: 'one that was named, when every answer was heard',
    named: 1,
    released: 5,
    doubtful: false,
  },
  { says: 'named after a kill', killed: true, named: 1, released: 5, doubtful: true },
  { says: 'named after a kill, kept', killed: true, named: 1, released: 17, doubtful: false },
  { says: 'named before a kill', killed: true, inherited: -10, released: 5, doubtful: true },
  { says: 'named long before a kill', killed: true, inherited: -17, released: 5, doubtful: false },
  { says: 'named before a stop', inherited: -10, released: 5, doubtful: false },
  { says: 'one that was named later', named: 60, released: 61, doubtful: false },
  { says: 'after a lost answer', unheard: 60, named: 61, released: 70, doubtful: true },
  { says: 'long after a lost answer', unheard: 60, named: 61, released: 77, doubtful: false },
  {
    says: 'named before the answer was lost',
    named: 60,
    unheard: 61,
    released: 62,
    doubtful: false,
  },
];

describe('a release', () => {
  for (const { says, unheard, named, inherited, killed, released, doubtful } of ROWS)
    it(`${doubtful ? 'may be an earlier one once more' : 'is taken as it is'}: ${says}`, () => {
      const clock = { ms: 1_000_000, now: () => clock.ms };
      const repeats = new Repeats(clock, killed);
      if (inherited !== undefined) repeats.inherited(ADDRESS, 1_000_000 + inherited * 1_000);
      for (let second = 0; second <= released; second++) {
        clock.ms = 1_000_000 + second * 1_000;
        if (second === unheard) repeats.unheard(ADDRESS);
        if (second === named) repeats.named(ADDRESS);
      }
      assert.equal(repeats.mayBe(ADDRESS), doubtful);
      assert.equal(repeats.mayBe('198.51.100.6'), false);
    });
});
