import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Failure } from '../../src/core/failure-record.ts';
import { LedgerUnreachable } from '../../src/ledger/errors.ts';
import { FailureLog, GROUPS_A_MINUTE } from '../../src/ledger/failure-log.ts';
import { failuresSince, listFailures, trimFailures } from '../../src/ledger/failures.ts';
import { keys } from '../../src/ledger/keys.ts';
import type { Store } from '../../src/ledger/store.ts';
import { opened, patience } from './opened.ts';

const signal = patience();
const MINUTE = 60_000;
const failure = (atMs: number, more: Partial<Failure> = {}): Failure => ({
  ...{ atMs, node: 'n1', network: 'prod', short: 'address', why: 'none left', app: '/a' },
  ...more,
});
const listed = async (store: Store) =>
  (await listFailures(store, { limit: 1_000 }, signal)).failures.map(({ record }) => record);
const counts = async (store: Store) =>
  (await listed(store)).map(({ app, count }) => [app, count] as const);

describe('the log of refused launches', () => {
  it('makes one record of a loop, whoever of one node wrote before', async (t) => {
    const store = await opened(t);
    const log = new FailureLog(store);
    for (let at = 0; at < 300; at += 1) log.add(failure(at * 100));
    await log.flush(signal);
    for (let at = 0; at < 50; at += 1) log.add(failure(30_000 + at));
    await log.flush(signal);
    const anew = new FailureLog(store); // the agent was started again within the minute
    anew.add(failure(50_000));
    await anew.flush(signal);
    await anew.flush(signal);
    assert.deepEqual(await counts(store), [['/a', 351]]);
    const [record] = await listed(store);
    assert.deepEqual([record?.sinceMs, record?.atMs, record?.times.length], [0, 50_000, 20]);
  });

  it('is read newest first, and from a moment on', async (t) => {
    const store = await opened(t);
    const log = new FailureLog(store);
    for (let minute = 0; minute < 8; minute += 1)
      for (const app of ['/a', '/b']) log.add(failure(minute * MINUTE + 30_000, { app }));
    await log.flush(signal);
    const all = await listed(store);
    assert.equal(all.length, 16);
    assert.deepEqual(
      all.map(({ atMs }) => atMs),
      all.map(({ atMs }) => atMs).sort((a, b) => b - a),
    );
    const since = async (sinceMs: number) =>
      (await failuresSince(store, { sinceMs }, signal)).map(({ record }) => record.atMs);
    assert.deepEqual(
      await since(6 * MINUTE + 30_000),
      [7.5, 7.5, 6.5, 6.5].map((m) => m * MINUTE),
    );
    assert.equal((await since(6 * MINUTE + 30_001)).length, 2);
    assert.equal((await since(0)).length, 16);
    assert.deepEqual(await since(9 * MINUTE), []);
  });

  it('keeps what it could not write, and says it again without counting twice', async (t) => {
    const store = await opened(t);
    let lost = 2;
    const wire: Store = {
      ...store,
      get: (...ask) => store.get(...ask),
      range: (...ask) => store.range(...ask),
      commit: async (...ask) => {
        const done = await store.commit(...ask);
        if (lost-- > 0) throw new LedgerUnreachable('commit', 1);
        return done;
      },
    };
    const log = new FailureLog(wire);
    log.add(failure(1));
    await assert.rejects(log.flush(signal), LedgerUnreachable);
    assert.equal(log.pending, true);
    log.add(failure(2));
    await assert.rejects(log.flush(signal), LedgerUnreachable);
    await log.flush(signal);
    assert.equal(log.pending, false);
    assert.deepEqual(await counts(store), [['/a', 2]]);
  });

  it('is not flooded by names: what is too many is counted for nobody', async (t) => {
    const store = await opened(t);
    const log = new FailureLog(store);
    for (let at = 0; at < 400; at += 1) log.add(failure(at, { app: `/app-${at}` }));
    await log.flush(signal);
    const all = await listed(store);
    assert.equal(all.length, GROUPS_A_MINUTE + 1);
    assert.equal(
      all.reduce((sum, { count }) => sum + count, 0),
      400,
    );
    assert.equal(all.find(({ app }) => app === undefined)?.count, 400 - GROUPS_A_MINUTE);
  });

  it('writes over a record that does not read', async (t) => {
    const store = await opened(t);
    const log = new FailureLog(store);
    log.add(failure(1));
    await log.flush(signal);
    const [{ id } = { id: '' }] = (await listFailures(store, {}, signal)).failures;
    await store.commit({ guards: [], writes: [{ put: keys.failure(id), value: '{' }] }, signal);
    assert.equal((await listFailures(store, {}, signal)).faults.length, 1);
    const anew = new FailureLog(store);
    anew.add(failure(2));
    await anew.flush(signal);
    assert.deepEqual(await counts(store), [['/a', 1]]);
  });

  it('drops the oldest beyond its bound', async (t) => {
    const store = await opened(t);
    const log = new FailureLog(store);
    for (let minute = 0; minute < 130; minute += 1) {
      log.add(failure(minute * MINUTE));
      await log.flush(signal);
    }
    assert.equal(await trimFailures(store, { most: 7 }, signal), 123);
    assert.deepEqual(
      (await listed(store)).map(({ atMs }) => atMs / MINUTE),
      [129, 128, 127, 126, 125, 124, 123],
    );
    assert.equal(await trimFailures(store, { most: 7 }, signal), 0);
  });

  it('is read in pages, of which the last names no other', async (t) => {
    const store = await opened(t);
    const log = new FailureLog(store);
    for (const minute of [1, 2, 3, 4]) log.add(failure(minute * MINUTE));
    await log.flush(signal);
    const first = await listFailures(store, { limit: 2 }, signal);
    assert.ok(first.next !== undefined);
    const second = await listFailures(store, { limit: 2, before: first.next }, signal);
    const minutes = [first, second].map(({ failures }) =>
      failures.map(({ record }) => record.atMs),
    );
    assert.deepEqual(minutes, [
      [4 * MINUTE, 3 * MINUTE],
      [2 * MINUTE, MINUTE],
    ]);
    assert.equal(second.next, undefined);
  });
});
