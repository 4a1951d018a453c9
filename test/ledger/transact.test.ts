import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LedgerBusy } from '../../src/ledger/errors.ts';
import type { Read, Store } from '../../src/ledger/store.ts';
import type { Decision } from '../../src/ledger/transact.ts';
import { transact } from '../../src/ledger/transact.ts';
import { HandClock, opened, patience } from './opened.ts';

const signal = patience();
const KEY = '/count';

/** Adds one to a number, and tells how often it was asked. */
async function increment(read: Read, act?: () => Promise<unknown>): Promise<Decision<number>> {
  const entry = await read.get(KEY, signal);
  await act?.();
  const next = Number(entry?.value ?? '0') + 1;
  return {
    result: next,
    guards: [{ key: KEY, revision: entry?.revision ?? 0 }],
    writes: [{ put: KEY, value: String(next) }],
  };
}

const rival = async (store: Store): Promise<unknown> => {
  const value = `${Number((await store.get(KEY, signal))?.value ?? '0') + 100}`;
  return store.commit({ guards: [], writes: [{ put: KEY, value }] }, signal);
};

describe('transact', () => {
  it('loses no update among many writers', async (t) => {
    const store = await opened(t);
    const options = { signal, attempts: 100, clock: new HandClock() };
    const results = await Promise.all(
      Array.from({ length: 20 }, () => transact(store, increment, options)),
    );
    assert.deepEqual(
      results.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
  });

  it('decides anew on what a rival left', async (t) => {
    const store = await opened(t);
    const rivals = [() => rival(store)];
    const result = await transact(store, (read) => increment(read, rivals.pop()), { signal });
    assert.equal(result, 101);
  });

  for (const { says, attempts, expected } of [
    { says: 'gives up after five lost races', attempts: undefined, expected: 5 },
    { says: 'gives up after as many as it was told', attempts: 2, expected: 2 },
  ]) {
    it(says, async (t) => {
      const store = await opened(t);
      let asked = 0;
      const losing = (read: Read): Promise<Decision<number>> => {
        asked++;
        return increment(read, () => rival(store));
      };
      const options = attempts === undefined ? { signal } : { signal, attempts };
      await assert.rejects(
        transact(store, losing, options),
        (error) => error instanceof LedgerBusy && error.attempts === expected,
      );
      assert.equal(asked, expected);
      assert.equal((await store.get(KEY, signal))?.value, String(100 * expected));
    });
  }

  it('pauses longer each time, as chance has it, and not after the last', async (t) => {
    const store = await opened(t);
    const pauses: number[] = [];
    const clock = { now: () => 0, sleep: async (ms: number) => void pauses.push(ms) };
    const losing = (read: Read) => increment(read, () => rival(store));
    const options = { signal, attempts: 8, clock, chance: () => 0.5 };
    await assert.rejects(transact(store, losing, options), LedgerBusy);
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 25, 25]);
  });

  it('commits nothing when there is nothing to write', async (t) => {
    const store = await opened(t);
    const result = await transact(
      store,
      () => Promise.resolve({ result: 7, guards: [{ key: KEY, revision: 5 }], writes: [] }),
      { signal },
    );
    assert.equal(result, 7);
    assert.equal((await store.range({ prefix: '/' }, signal)).revision, 0);
  });

  it('lets through what the decision throws, and the reason of its signal', async (t) => {
    const store = await opened(t);
    const fault = new Error('no');
    await assert.rejects(
      transact(store, () => Promise.reject(fault), { signal }),
      fault,
    );
    const stopped = { signal: AbortSignal.abort(fault) };
    await assert.rejects(transact(store, increment, stopped), fault);
  });
});
