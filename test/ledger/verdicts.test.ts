import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { VerdictRecord } from '../../src/core/verdict-record.ts';
import type { Store } from '../../src/ledger/store.ts';
import { getVerdict, listVerdicts, verdictId, VerdictLog } from '../../src/ledger/verdicts.ts';
import { opened, patience } from './opened.ts';

const signal = patience();
const verdict = (atMs: number): VerdictRecord => ({
  v: 1,
  atMs,
  change: 'POST /v2/apps',
  apps: ['/a'],
  answer: 'admit',
  message: 'it fits',
  revision: 1,
  sequence: 1,
  asks: [],
  nodes: [],
});

const times = async (store: Store): Promise<number[]> =>
  (await listVerdicts(store, { limit: 1000 }, signal)).verdicts.map(({ record }) => record.atMs);
const countdown = (from: number, to: number): number[] =>
  Array.from({ length: from - to + 1 }, (_, n) => from - n);

describe('the decision log', () => {
  it('has ids that sort the newest first', () =>
    fc.assert(
      fc.property(fc.nat(2e12), fc.nat(2e12), (a, b) => {
        const sorted = [verdictId(a, 'r'), verdictId(b, 'r')].sort();
        assert.deepEqual(sorted, [verdictId(Math.max(a, b), 'r'), verdictId(Math.min(a, b), 'r')]);
      }),
    ));

  it('finds a verdict by its id', async (t) => {
    const store = await opened(t);
    const id = await new VerdictLog(store).append(verdict(5), 'x', signal);
    assert.deepEqual(await getVerdict(store, id, signal), verdict(5));
    assert.equal(await getVerdict(store, 'nope', signal), undefined);
  });

  it('is read newest first, page by page', async (t) => {
    const store = await opened(t);
    const log = new VerdictLog(store);
    for (let ms = 1; ms <= 7; ms++) await log.append(verdict(ms), 'x', signal);
    const seen: number[] = [];
    let before: string | undefined;
    do {
      const page = await listVerdicts(store, { limit: 3, ...(before ? { before } : {}) }, signal);
      assert(page.verdicts.length <= 3);
      seen.push(...page.verdicts.map(({ record }) => record.atMs));
      before = page.next;
    } while (before);
    assert.deepEqual(seen, countdown(7, 1));
  });

  it('keeps the newest within its bound', async (t) => {
    const store = await opened(t);
    const log = new VerdictLog(store, { most: 10 });
    for (let ms = 1; ms <= 35; ms++) await log.append(verdict(ms), 'x', signal);
    assert.deepEqual(await times(store), countdown(35, 26));
  });

  it('is brought within a smaller bound by the next writer', async (t) => {
    const store = await opened(t);
    const log = new VerdictLog(store, { most: 300 });
    for (let ms = 1; ms <= 250; ms++) await log.append(verdict(ms), 'x', signal);
    const small = new VerdictLog(store, { most: 10 });
    for (let ms = 251; ms <= 254; ms++) await small.append(verdict(ms), 'x', signal);
    assert.deepEqual(await times(store), countdown(254, 245));
  });

  it('stays bounded with several writers at once', async (t) => {
    const store = await opened(t);
    const logs = [1, 2, 3].map(() => new VerdictLog(store, { most: 20 }));
    for (let round = 0; round < 30; round++)
      await Promise.all(
        logs.flatMap((log, n) => [
          log.append(verdict(round), `a${n}`, signal),
          log.append(verdict(round), `b${n}`, signal),
        ]),
      );
    const { length } = await times(store);
    assert(length >= 20 && length <= 3 * 20 + 6, `${length} verdicts are left`);
    assert.equal((await times(store))[0], 29);
  });
});
