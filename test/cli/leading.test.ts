import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { whileLeading } from '../../src/cli/leading.ts';
import { LedgerRefused } from '../../src/ledger/errors.ts';
import type { Store } from '../../src/ledger/store.ts';
import type { Clock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { opened } from '../ledger/opened.ts';

it('an election that the ledger refuses is let be for a while', async (t) => {
  const store = await opened(t);
  let asked = 0;
  const refusing: Store = Object.assign(Object.create(store) as Store, {
    get: async () => {
      asked += 1;
      await endOfTurn();
      throw new LedgerRefused('a get', 'mvcc: database space exceeded');
    },
  });
  const wakes: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    sleep: (ms) =>
      new Promise((resolve) => {
        assert.equal(ms, 1_000);
        wakes.push(resolve);
      }),
  };
  const ending = new AbortController();
  const deps = { store: refusing, clock, log: silentLog };
  whileLeading('fence', () => Promise.resolve(), deps, ending.signal);
  for (const round of [1, 2, 3]) {
    for (let turns = 0; turns < 20; turns += 1) await endOfTurn();
    assert.deepEqual([asked, wakes.length], [round, round]);
    wakes.at(-1)?.();
  }
  ending.abort();
});
