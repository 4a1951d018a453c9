import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LedgerBehind } from '../../src/gate/errors.ts';
import { LedgerWatch } from '../../src/gate/ledger-watch.ts';

const LATE = new Error('no verdict in time');

/** A watch on a clock that goes on only while a call waits in vain. */
function watched() {
  let nowMs = 0;
  const watch = new LedgerWatch({ now: () => nowMs });
  const inVain = (ms: number): Promise<void> => {
    nowMs += ms;
    return Promise.reject(LATE);
  };
  const late = AbortSignal.abort(LATE);
  return {
    waits: (ms: number) => watch.call(() => inVain(ms), late),
    answers: () => watch.call(() => Promise.resolve(), late),
    isInLine: () => watch.line(() => Promise.reject(LATE), late),
  };
}

describe('a watch on the ledger', () => {
  it('calls it silent when a call has waited for a second', async () => {
    const { waits, isInLine } = watched();
    await assert.rejects(waits(1_000), LedgerBehind);
    await assert.rejects(isInLine(), LedgerBehind);
  });

  it('does not blame it for a call that had little time left', async () => {
    const { waits, isInLine } = watched();
    await assert.rejects(waits(5), LATE);
    await assert.rejects(isInLine(), LATE);
  });

  it('adds up short calls, so that a line before a silent ledger learns of it', async () => {
    const { waits, isInLine } = watched();
    await assert.rejects(waits(600), LATE);
    await assert.rejects(waits(600), LedgerBehind);
    await assert.rejects(waits(1), LedgerBehind);
    await assert.rejects(isInLine(), LedgerBehind);
  });

  it('forgets with the first answer', async () => {
    const { waits, answers, isInLine } = watched();
    await assert.rejects(waits(2_000), LedgerBehind);
    await answers();
    await assert.rejects(isInLine(), LATE);
    await assert.rejects(waits(999), LATE);
  });
});
