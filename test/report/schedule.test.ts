import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { CapacityReport } from '../../src/core/capacity-record.ts';
import type { Term } from '../../src/ledger/election.ts';
import { keys, prefixes } from '../../src/ledger/keys.ts';
import { listAll } from '../../src/ledger/listing.ts';
import {
  getReport,
  getWholeReport,
  listReports,
  listUndelivered,
} from '../../src/ledger/reports.ts';
import type { Store } from '../../src/ledger/store.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { scheduleTurn } from '../../src/report/schedule.ts';
import { HandClock, opened, patience } from '../ledger/opened.ts';
import { at, elected, layCluster, reportSettings } from './ledger.ts';

const DAILY = { name: 'daily', cron: '0 6 * * *', timezone: 'UTC' };

interface Bench {
  readonly store: Store;
  readonly clock: HandClock;
  readonly term: Term;
  /** What one gate does each second, at a time, as the leader of a term. */
  look(time: string, term?: Term): Promise<void>;
  /** Another process: nothing is remembered but what the ledger has. */
  restart(schedules?: readonly object[], more?: object): void;
  reports(schedule?: string): Promise<readonly CapacityReport[]>;
}

async function bench(
  t: TestContext,
  schedules: readonly object[] = [DAILY],
  more = {},
): Promise<Bench> {
  const store = await opened(t);
  await layCluster(store);
  const clock = new HandClock();
  const term = await elected(store);
  const turnOf = (all: readonly object[], rest: object) =>
    scheduleTurn({
      ...{ store, clock, log: silentLog, nodeFacts: () => new Map() },
      settings: reportSettings({ schedules: all, ...rest }),
    });
  let turn = turnOf(schedules, more);
  return {
    ...{ store, clock, term },
    look: (time, as = term) => {
      clock.ms = at(time);
      return turn(patience(), as);
    },
    restart: (again = schedules, rest = more) => {
      turn = turnOf(again, rest);
    },
    reports: async (schedule) => {
      const query = { limit: 1_000, ...(schedule !== undefined && { schedule }) };
      const heads = (await listReports(store, query, patience())).reports;
      const whole = await Promise.all(heads.map(({ id }) => getWholeReport(store, id, patience())));
      return whole.filter((one) => one !== undefined).reverse();
    },
  };
}

const dues = (reports: readonly CapacityReport[]): string[] =>
  reports.map(
    ({ dueMs = 0, late, missed }) =>
      new Date(dueMs).toISOString().slice(5, 16) + (late ? ` made up, ${missed ?? 0} missed` : ''),
  );

describe('a schedule', () => {
  it('makes a report when it is due, and only then', async (t) => {
    const { look, reports } = await bench(t);
    await look('2026-01-01T05:00:00Z');
    await look('2026-01-01T05:59:59Z');
    assert.deepEqual(dues(await reports()), []);
    for (const second of ['00', '01', '02', '59']) await look(`2026-01-01T06:00:${second}Z`);
    await look('2026-01-02T05:59:59Z');
    assert.deepEqual(dues(await reports()), ['01-01T06:00']);
    await look('2026-01-02T06:00:01Z');
    const made = await reports();
    assert.deepEqual(dues(made), ['01-01T06:00', '01-02T06:00']);
    assert.equal(made[1]?.before, made[0]?.id);
    assert.equal(made[1]?.sinceMs, made[0]?.atMs);
  });

  it('owes nothing for the time before it was there', async (t) => {
    const { look, reports } = await bench(t);
    await look('2026-01-01T12:00:00Z');
    await look('2026-01-01T12:00:01Z');
    assert.deepEqual(await reports(), []);
  });

  it('makes up what it missed by one report, whoever starts anew', async (t) => {
    const { look, restart, reports } = await bench(t);
    await look('2026-01-01T05:00:00Z');
    await look('2026-01-01T06:00:00Z');
    restart();
    await look('2026-01-09T07:00:00Z');
    restart();
    await look('2026-01-09T07:00:05Z');
    assert.deepEqual(dues(await reports()), ['01-01T06:00', '01-09T06:00 made up, 7 missed']);
    await look('2026-01-10T06:00:00Z');
    assert.deepEqual(dues(await reports()).at(-1), '01-10T06:00');
  });

  it('that a process slept through for an hour is late with nothing missed', async (t) => {
    const { look, reports } = await bench(t);
    await look('2026-01-01T05:00:00Z');
    await look('2026-01-01T07:00:00Z');
    assert.deepEqual(dues(await reports()), ['01-01T06:00 made up, 0 missed']);
  });

  it('does nothing twice when clocks are put back', async (t) => {
    const { look, restart, reports } = await bench(t);
    await look('2026-01-01T05:00:00Z');
    await look('2026-01-01T06:00:00Z');
    restart();
    await look('2026-01-01T05:30:00Z');
    await look('2026-01-01T06:00:30Z');
    assert.deepEqual(dues(await reports()), ['01-01T06:00']);
  });

  it('follows its zone through both changes of clocks', async (t) => {
    const nightly = { name: 'nightly', cron: '30 2 * * *', timezone: 'America/New_York' };
    const { look, reports } = await bench(t, [nightly]);
    for (const day of [
      '2026-03-07',
      '2026-03-08',
      '2026-03-09',
      '2026-10-31',
      '2026-11-01',
      '2026-11-02',
    ])
      for (let minute = 0; minute < 24 * 60; minute += 30) {
        const time = new Date(at(`${day}T00:00:00Z`) + minute * 60_000);
        await look(time.toISOString());
      }
    assert.deepEqual(
      dues(await reports()).filter((due) => !due.includes('made up')),
      [
        '03-07T07:30',
        '03-08T07:00', // 2:30 is skipped: clocks go from 2:00 to 3:00
        '03-09T06:30',
        '10-31T06:30',
        '11-01T07:30', // 2:30 comes once, after 1:30 came twice
        '11-02T07:30',
      ],
    );
  });

  it('with another cron begins anew', async (t) => {
    const { look, restart, reports } = await bench(t);
    await look('2026-01-01T05:00:00Z');
    await look('2026-01-01T06:00:00Z');
    restart([{ ...DAILY, cron: '0 7 * * *' }]);
    await look('2026-01-03T12:00:00Z');
    await look('2026-01-04T07:00:00Z');
    const made = await reports();
    assert.deepEqual(dues(made), ['01-01T06:00', '01-04T07:00']);
    assert.equal(made[1]?.before, made[0]?.id);
  });

  it('does not suffer from another', async (t) => {
    const { store, look, reports } = await bench(t, [DAILY, { ...DAILY, name: 'second' }]);
    await look('2026-01-01T05:00:00Z');
    const writes = [{ put: keys.reportSchedule('daily'), value: 'spoilt' }];
    await store.commit({ guards: [], writes }, patience());
    await assert.rejects(look('2026-01-01T06:00:00Z'), /daily|not JSON/);
    assert.deepEqual(dues(await reports('second')), ['01-01T06:00']);
  });
});

describe('of two leaders', () => {
  it('only one makes a report, even when both think that they lead', async (t) => {
    const one = await bench(t);
    await one.look('2026-01-01T05:00:00Z');
    const [other, settings] = [
      new HandClock(at('2026-01-01T06:00:00Z')),
      reportSettings({ schedules: [DAILY] }),
    ];
    const second = scheduleTurn({
      ...{ store: one.store, clock: other, log: silentLog, settings, nodeFacts: () => new Map() },
    });
    const next = await elected(one.store);
    await Promise.all([one.look('2026-01-01T06:00:00Z'), second(patience(), next)]);
    assert.deepEqual(dues(await one.reports()), ['01-01T06:00']);
  });

  it('of one term, were there ever two, one keeps its report', async (t) => {
    const one = await bench(t);
    await one.look('2026-01-01T05:00:00Z');
    let kept = 0;
    const clock = new HandClock(at('2026-01-01T06:00:00Z'));
    const settings = reportSettings({ schedules: [DAILY] });
    const turns = [1, 2, 3].map(() =>
      scheduleTurn({
        ...{ store: one.store, clock, log: silentLog, settings, nodeFacts: () => new Map() },
        onKept: () => (kept += 1),
      }),
    );
    await Promise.all(turns.map((turn) => turn(patience(), one.term)));
    assert.equal(kept, 1);
  });

  it('the one whose term is over writes nothing at all', async (t) => {
    const { store, term, look, reports } = await bench(t);
    await look('2026-01-01T05:00:00Z');
    await elected(store);
    await look('2026-01-01T06:00:00Z', term);
    assert.deepEqual(await reports(), []);
    const parts = await listAll(store, prefixes.reportPartsOf('daily'), { signal: patience() });
    assert.deepEqual(parts.entries, []);
  });
});

describe('what is kept', () => {
  it('of heads and of rows is bounded', async (t) => {
    const hourly = { name: 'hourly', cron: '0 * * * *', directory: '/nowhere' };
    const { store, look } = await bench(t, [hourly], { history: 5, rowsKept: 2 });
    for (let hour = 0; hour < 12; hour += 1)
      await look(`2026-01-01T${String(hour).padStart(2, '0')}:00:00Z`);
    const { reports } = await listReports(store, { limit: 100 }, patience());
    assert.equal(reports.length, 5);
    const whole = await Promise.all(reports.map(({ id }) => getWholeReport(store, id, patience())));
    assert.deepEqual(
      whole.map((report) => report?.dueMs),
      [at('2026-01-01T11:00:00Z'), at('2026-01-01T10:00:00Z'), undefined, undefined, undefined],
    );
    assert.equal((await listUndelivered(store, patience())).waiting.length, 5);
    const head = await getReport(store, reports[4]?.id ?? '', patience());
    assert.equal(head?.figures.size, 15);
  });

  it('of 10,000 nodes fits into the ledger', async (t) => {
    const { store, look, reports } = await bench(t);
    for (let first = 0; first < 10_000; first += 100) {
      const writes = Array.from({ length: 100 }, (_, n) => ({
        put: keys.node(`agent-${first + n}.rack-${(first + n) % 200}.example.org`),
        value: JSON.stringify({
          ...{ v: 1, linkInKbit: 10_000_000 + first + n, linkOutKbit: 10_000_000, overcommit: 1 },
          ...{ headroom: 0.95, attributes: { rack: `r${(first + n) % 200}` } },
        }),
      }));
      await store.commit({ guards: [], writes }, patience());
    }
    await look('2026-01-01T05:00:00Z');
    await look('2026-01-01T06:00:00Z');
    const [report] = await reports();
    assert.equal(report?.rows.filter(({ kind }) => kind === 'node').length, 10_002);
    const { entries } = await listAll(store, prefixes.reportPartsOf('daily'), {
      signal: patience(),
    });
    const bytes = entries.reduce((sum, { value }) => sum + value.length, 0);
    t.diagnostic(`${entries.length} pieces, ${bytes} bytes`);
    assert(bytes < 1_500_000, String(bytes));
  });
});
