import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AgentSeen } from '../../src/core/fence-action.ts';
import { type FailureRecord, withFailure } from '../../src/core/failure-record.ts';
import { FRESH_MS, fenceTurn, type PassReport } from '../../src/fence/turn.ts';
import { openFenceBook } from '../../src/ledger/fence-book.ts';
import { keys } from '../../src/ledger/keys.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { opened, patience } from '../ledger/opened.ts';
import { NODE, pictureOf } from './one-node.ts';

const START_MS = 1_700_000_000_000;
const EVERY_MS = 5_000;

const failedAt = (atMs: number): FailureRecord =>
  withFailure(undefined, {
    ...{ atMs, node: NODE, network: 'prod', short: 'address', app: '/a', why: 'no address left' },
  });

const agentOf = (deactivated: boolean): AgentSeen => ({
  ...{ agentId: 'S1', hostname: NODE, active: !deactivated, deactivated },
  ...{ draining: false, recovered: false },
});

it('sees within a second that an operator gave a node back, while launches fail', async (t) => {
  const store = await opened(t);
  const put = { put: keys.election('fence'), value: 'me' };
  const { revision } = await store.commit({ guards: [], writes: [put] }, patience());
  const term = { revision, fence: { key: put.put, revision } };
  const ending = new AbortController();
  t.after(() => ending.abort());
  const book = openFenceBook({ store, clock: systemClock, log }, ending.signal);
  const reports: PassReport[] = [];
  let [nowMs, lists, deactivated, tookMs] = [START_MS, 0, true, 0];
  let failures: FailureRecord[] = [];
  const turn = fenceTurn({
    ...{ store, log, book, callWithinMs: 60_000, clock: { ...systemClock, now: () => nowMs } },
    settings: {
      ...{ margin: 2, reopenExtra: 0, reopenAfterMs: 0, patienceMs: 10_000, everyMs: EVERY_MS },
      ...{ netInBelowKbit: 1, netOutBelowKbit: 1, flipsPerMinute: 100, atOnce: 4, mode: 'on' },
    },
    steadyMs: () => 0,
    snapshot: () => pictureOf(true),
    force: () =>
      Promise.resolve({
        ability: { fence: 'deactivate', version: '1.11.0', why: '' },
        means: {
          by: 'deactivate',
          agents: () => {
            [lists, nowMs] = [lists + 1, nowMs + tookMs];
            return Promise.resolve([agentOf(deactivated)]);
          },
          close: () => Promise.resolve(((deactivated = true), { outcome: 'done' } as const)),
          open: () => Promise.resolve(((deactivated = false), { outcome: 'done' } as const)),
        },
        ...{ isAble: true, why: '' },
      }),
    staged: () => [],
    queue: () => Promise.resolve([]),
    failures: () => failures,
    onPass: (report) => reports.push(report),
  });
  const pass = async (afterMs: number): Promise<PassReport> => {
    nowMs += afterMs;
    while (!book.ready()) await systemClock.sleep(10, patience());
    await turn(patience(), term);
    return reports.at(-1)!;
  };

  const calm = await pass(0);
  assert.deepEqual([calm.isPressing, calm.steps.foreign.length, lists], [false, 1, 1]);
  deactivated = false; // the operator gives it back, and no event tells
  await pass(FRESH_MS);
  assert.deepEqual([deactivated, lists], [false, 1], 'nothing presses: the list may be older');
  failures = [failedAt(nowMs)];
  const { isPressing, done } = await pass(FRESH_MS);
  assert.deepEqual([isPressing, done.map(({ action }) => action.do)], [true, ['close']]);
  assert.deepEqual([deactivated, lists], [true, 2]);
  const later = await pass(60_000);
  assert.equal(later.isPressing, false, 'a minute later nothing presses');

  tookMs = 300;
  failures = [failedAt(nowMs)];
  await pass(EVERY_MS);
  const before = lists;
  await pass(2 * FRESH_MS);
  assert.equal(lists, before, 'who takes long to tell is asked less often');
  await pass(FRESH_MS);
  assert.equal(lists, before + 1);
});
