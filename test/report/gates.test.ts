import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { whileLeading } from '../../src/cli/leading.ts';
import type { ReportRecord } from '../../src/core/report-record.ts';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import { getReport, listReports } from '../../src/ledger/reports.ts';
import type { Store } from '../../src/ledger/store.ts';
import { type Clock, systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { type Loop, startLoop } from '../../src/plumbing/loop.ts';
import { scheduleTurn } from '../../src/report/schedule.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { patience } from '../ledger/opened.ts';
import { at, layCluster, reportSettings } from './ledger.ts';
import { staged, until } from './staged.ts';

const MINUTE_MS = 60_000;
const SPEED = 300;
const BEGIN = at('2026-01-01T00:00:30Z');

/** A minute passes in 200 ms. */
function hurried(): Clock {
  const startedMs = performance.now();
  return {
    now: () => BEGIN + Math.floor((performance.now() - startedMs) * SPEED),
    sleep: (ms, signal) => systemClock.sleep(ms / SPEED, signal),
  };
}

/** Anybody's reports, oldest first, with what was missed before each. */
async function accounted(store: Store): Promise<readonly ReportRecord[]> {
  const { reports, faults } = await listReports(store, { limit: 1_000 }, patience());
  assert.deepEqual(faults, []);
  return [...reports].reverse();
}

describe('three gates on one etcd', { timeout: 400_000 }, () => {
  it('make one report for each due time, whoever leads', async (t) => {
    const etcd = await EtcdCluster.start();
    const stores = [1, 2, 3].map(() =>
      openEtcdStore({ hosts: etcd.urls, clock: systemClock, log: silentLog }),
    );
    const [first] = stores as [Store];
    const ends: AbortController[] = [];
    const loops: Loop[] = [];
    try {
      await layCluster(first);
      const clock = hurried();
      const settings = reportSettings({
        schedules: [{ name: 'often', cron: '* * * * *' }],
        history: 1_000,
      });
      const timing = { everyMs: 1, backoffMs: 10, backoffCapMs: 100, deadlineMs: 180_000 };
      for (const store of stores) {
        const end = new AbortController();
        const deps = { store, clock: systemClock, log: silentLog };
        const turn = scheduleTurn({
          store,
          clock,
          log: silentLog,
          settings,
          nodeFacts: () => new Map(),
        });
        const loop = startLoop('reports', whileLeading('reports', turn, deps, end.signal), {
          ...timing,
          ...deps,
        });
        ends.push(end);
        loops.push(loop);
      }
      for (let round = 0; round < 2; round += 1) {
        await until(
          async () => (await accounted(first)).length >= 8 * (round + 1),
          'reports are made',
        );
        // one of them goes, and resigns; if it led, another takes over
        ends[round]?.abort(new Error('it goes'));
      }
      await until(async () => (await accounted(first)).length >= 24, 'reports are made');
      await Promise.all(loops.map((loop) => loop.stop()));
      let made: readonly ReportRecord[] = [];
      await until(async () => (made = await accounted(first)).length >= 24, 'they are read');
      const dues = made.map(({ dueMs = 0 }) => dueMs);
      assert.equal(new Set(dues).size, dues.length, 'no due time has two reports');
      const [oldest] = made;
      assert.ok(oldest?.dueMs !== undefined);
      let covered = oldest.dueMs;
      for (const { dueMs = 0, missed = 0, id } of made.slice(1)) {
        assert.equal(dueMs - covered, (missed + 1) * MINUTE_MS, `${id} tells what was missed`);
        covered = dueMs;
      }
      const missed = made.reduce((sum, one) => sum + (one.missed ?? 0), 0);
      t.diagnostic(`${made.length} reports, ${missed} due times missed while nobody led`);
    } finally {
      for (const end of ends) end.abort(new Error('the test is over'));
      await Promise.all(loops.map((loop) => loop.stop()));
      await Promise.all(stores.map((store) => store.close()));
      await etcd.stop();
    }
  });
});

/** Due this year's first morning, which nobody attended to. */
const YEARLY = { name: 'yearly', cron: '0 6 1 1 *', isOwed: true };

describe('two gate processes on one etcd', { timeout: 400_000 }, () => {
  it('make a missed report up once, and deliver it although the leader is killed while it does', () =>
    staged(
      { ...YEARLY, answer: () => undefined }, // the first to call is killed while it waits
      async ({ store, receiver, directory, start }) => {
        const gates = await Promise.all([start(), start()]);
        await until(async () => receiver.received.length > 0, 'a webhook is called');
        const { reports } = await listReports(store, { limit: 10 }, patience());
        assert.equal(reports.length, 1);
        const [report] = reports;
        assert.ok(report);
        assert.deepEqual([report.late, (report.missed ?? 0) >= 5], [true, true]);
        await Promise.all(gates.map((gate) => gate.kill()));
        const before = receiver.received.length;
        await start();
        await until(async () => receiver.received.length > before, 'it is called again');
        const calls = receiver.received.map(({ headers }) => headers['x-corral-delivery']);
        assert.deepEqual([...new Set(calls)], [`${report.id}.chat`]);
        const bodies = new Set(receiver.received.map(({ body }) => body));
        assert.equal(bodies.size, 1, 'what is sent again is what was sent');
        assert.equal((await listReports(store, { limit: 10 }, patience())).reports.length, 1);
        // the file is written meanwhile, under another name until it is whole
        const files = async (): Promise<string> =>
          (await readdir(directory).catch(() => []))
            .map((name) => name.replace(/\d{8}T/, '*T'))
            .join();
        await until(async () => (await files()) === 'yearly-*T060000Z.csv', 'the file is written');
      },
    ));

  it('show it on the console once it is delivered', () =>
    staged(
      { ...YEARLY, answer: (res) => void res.writeHead(202).end() },
      async ({ store, receiver, start }) => {
        const [one, other] = await Promise.all([start(), start()]);
        await until(async () => {
          const [head] = (await listReports(store, { limit: 1 }, patience())).reports;
          const whole = head && (await getReport(store, head.id, patience()));
          return whole?.deliveries?.every(({ state }) => state === 'done') ?? false;
        }, 'all is delivered');
        // more than once only where a leader lost its term in between, and then as the same delivery
        const calls = receiver.received.map(({ headers }) => headers['x-corral-delivery']);
        assert.equal(new Set(calls).size, 1);
        assert.match(
          String(receiver.received[0]?.headers['x-corral-signature']),
          /^sha256=[0-9a-f]{64}$/,
        );
        for (const { consoleUrl } of [one, other]) {
          const answer = await fetch(`${consoleUrl}/v1/reports`);
          const { reports } = (await answer.json()) as {
            reports: { id: string; deliveries: object[] }[];
          };
          assert.deepEqual(
            reports.map(({ deliveries }) => deliveries.length),
            [2],
          );
          const whole = await fetch(`${consoleUrl}/v1/reports/${reports[0]?.id ?? ''}`);
          const { rows } = (await whole.json()) as { rows: { kind: string; name: string }[] };
          assert.deepEqual(
            rows.filter(({ kind }) => kind === 'node').map(({ name }) => name),
            [1, 2, 3].map((n) => `node-${n}.example.org`),
          );
        }
      },
    ));
});
