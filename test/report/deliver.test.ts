import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Delivery } from '../../src/core/report-record.ts';
import { getReport, listReports, listUndelivered } from '../../src/ledger/reports.ts';
import type { Store } from '../../src/ledger/store.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { deliverTurn } from '../../src/report/deliver.ts';
import { scheduleTurn } from '../../src/report/schedule.ts';
import { callWebhook } from '../../src/report/webhook.ts';
import { HandClock, opened, patience } from '../ledger/opened.ts';
import { at, elected, layCluster, reportSettings } from './ledger.ts';
import { type Receiver, startReceiver } from './receiver.ts';

const SECRET = 'of the test';

interface Bench {
  readonly store: Store;
  readonly clock: HandClock;
  readonly directory: string;
  /** Makes the report of a day. */
  make(day: number): Promise<void>;
  /** One pass of deliveries, so long after the last. */
  deliver(afterMs?: number): Promise<void>;
  /** Of the newest report. */
  deliveries(): Promise<readonly Delivery[]>;
}

async function bench(
  t: TestContext,
  schedule: (directory: string) => object,
  more = {},
): Promise<Bench> {
  const store = await opened(t);
  const directory = await mkdtemp(join(tmpdir(), 'corral-reports-'));
  t.after(() => rm(directory, { recursive: true }));
  await layCluster(store);
  const clock = new HandClock(at('2026-01-01T05:00:00Z'));
  const term = await elected(store);
  const daily = { name: 'daily', cron: '0 6 * * *', ...schedule(directory) };
  const settings = reportSettings({
    webhookBackoffMs: 1_000,
    webhookWithinMs: 60_000,
    ...more,
    schedules: [daily],
  });
  const shared = { store, clock, log: silentLog, settings };
  const turn = scheduleTurn({ ...shared, nodeFacts: () => new Map() });
  const pass = deliverTurn({
    ...shared,
    steadyMs: () => clock.ms, // this process never stands still
    secretOf: () => SECRET,
  });
  await turn(patience(), term);
  return {
    ...{ store, clock, directory },
    make: async (day) => {
      clock.ms = at(`2026-01-${String(day).padStart(2, '0')}T06:00:00Z`);
      await turn(patience(), term);
    },
    deliver: async (afterMs = 0) => {
      clock.ms += afterMs;
      await pass(patience(), term);
    },
    deliveries: async () => {
      const [head] = (await listReports(store, { limit: 1 }, patience())).reports;
      return (await getReport(store, head?.id ?? '', patience()))?.deliveries ?? [];
    },
  };
}

const hooked =
  (receiver: Receiver, more = {}) =>
  () => ({
    webhooks: [{ name: 'chat', url: receiver.url, ...more }],
  });

async function receiver(
  t: TestContext,
  answer: (res: ServerResponse, nth: number) => void,
): Promise<Receiver> {
  const one = await startReceiver(answer);
  t.after(() => one.close());
  return one;
}

describe('files of a report', () => {
  it('are written whole, in each form, and named after the due time', async (t) => {
    const { make, deliver, deliveries, directory } = await bench(t, (into) => ({
      directory: into,
    }));
    await make(1);
    await deliver();
    const files = (await readdir(directory)).sort();
    assert.deepEqual(
      files,
      ['csv', 'json', 'txt'].map((end) => `daily-20260101T060000Z.${end}`),
    );
    const report = JSON.parse(await readFile(join(directory, files[1] ?? ''), 'utf8'));
    assert.deepEqual([report.schedule, report.due], ['daily', '2026-01-01T06:00:00.000Z']);
    assert.equal(report.rows[0].size, 15);
    assert.match(
      await readFile(join(directory, files[0] ?? ''), 'utf8'),
      /^report,at,kind,name,.*\r\n/,
    );
    assert.deepEqual(
      (await deliveries()).map(({ to, name, state, path }) => [to, name, state, path]),
      [
        ['file', 'text', 'done', join(directory, files[2] ?? '')],
        ['file', 'json', 'done', join(directory, files[1] ?? '')],
        ['file', 'csv', 'done', join(directory, files[0] ?? '')],
      ],
    );
  });

  it('stay as many as told, and no longer than told; others are not touched', async (t) => {
    const { make, deliver, directory } = await bench(t, (into) => ({
      ...{ directory: into, formats: ['csv'], keep: 3, keepDays: 30 },
    }));
    const others = ['daily-notes.csv', 'daily-20200101T060000Z.txt', 'weekly-20200101T060000Z.csv'];
    for (const name of others) await writeFile(join(directory, name), '');
    for (const day of [1, 2, 3, 4, 5]) {
      await make(day);
      await deliver();
    }
    const own = async () =>
      (await readdir(directory)).filter((name) => !others.includes(name)).sort();
    assert.deepEqual(
      await own(),
      [3, 4, 5].map((day) => `daily-2026010${day}T060000Z.csv`),
    );
    const longAgo = at('2025-11-01T00:00:00Z') / 1_000;
    await utimes(join(directory, 'daily-20260104T060000Z.csv'), longAgo, longAgo);
    await make(6);
    await deliver();
    assert.deepEqual(
      await own(),
      [5, 6].map((day) => `daily-2026010${day}T060000Z.csv`),
    );
    assert.equal((await readdir(directory)).length, 5);
  });

  it('that cannot be written are tried again', async (t) => {
    const { make, deliver, deliveries, directory } = await bench(t, (into) => ({
      ...{ directory: join(into, 'file', 'below'), formats: ['csv'] },
    }));
    await writeFile(join(directory, 'file'), 'in the way');
    await make(1);
    await deliver();
    const [waits] = await deliveries();
    assert.deepEqual([waits?.state, waits?.attempts], ['waiting', 1]);
    assert.match(waits?.fault ?? '', /ENOTDIR|EEXIST/);
    await rm(join(directory, 'file'));
    await deliver(1_000);
    assert.equal((await deliveries())[0]?.state, 'done');
  });
});

describe('a webhook', () => {
  it('gets the report, signed, and which delivery it is', async (t) => {
    const hook = await receiver(t, (res) => void res.end('thanks'));
    const { make, deliver, deliveries, clock } = await bench(t, hooked(hook));
    await make(1);
    await deliver();
    assert.equal(hook.received.length, 1);
    const [{ headers, body } = { headers: {}, body: '' }] = hook.received;
    const report = JSON.parse(body);
    assert.equal(headers['content-type'], 'application/json');
    const signature = createHmac('sha256', SECRET).update(body).digest('hex');
    assert.equal(headers['x-corral-signature'], `sha256=${signature}`);
    assert.equal(headers['x-corral-report'], report.id);
    assert.equal(headers['x-corral-delivery'], `${report.id}.chat`);
    assert.equal(headers['x-corral-timestamp'], String(clock.ms / 1_000));
    await deliver(3_600_000);
    assert.equal(hook.received.length, 1, 'what was delivered is not sent again');
    assert.deepEqual(
      (await deliveries()).map(({ state }) => state),
      ['done'],
    );
  });

  it('that answers 500 is asked again, later each time, by the same delivery, until it takes it', async (t) => {
    const hook = await receiver(t, (res, nth) => void res.writeHead(nth < 4 ? 500 : 204).end());
    const { make, deliver, deliveries } = await bench(t, hooked(hook));
    await make(1);
    for (const [afterMs, count] of [
      [0, 1],
      [900, 1],
      [100, 2],
      [1_900, 2],
      [100, 3],
      [3_900, 3],
      [100, 4],
    ] as const) {
      await deliver(afterMs);
      assert.equal(hook.received.length, count, `after ${afterMs} ms more`);
    }
    assert.equal(new Set(hook.received.map(({ headers }) => headers['x-corral-delivery'])).size, 1);
    assert.equal(new Set(hook.received.map(({ body }) => body)).size, 1);
    assert.deepEqual(
      (await deliveries()).map(({ state, attempts }) => [state, attempts]),
      [['done', 4]],
    );
  });

  it('is given up after so many attempts, and that is told', async (t) => {
    const hook = await receiver(t, (res) => void res.writeHead(503).end());
    const { make, deliver, deliveries, store } = await bench(t, hooked(hook), {
      webhookAttempts: 3,
    });
    await make(1);
    for (let pass = 0; pass < 6; pass += 1) await deliver(3_600_000);
    assert.equal(hook.received.length, 3);
    const [given] = await deliveries();
    assert.deepEqual(
      [given?.state, given?.attempts, given?.fault],
      ['given up', 3, 'it answered 503'],
    );
    assert.deepEqual((await listUndelivered(store, patience())).waiting, []);
  });

  for (const { status, tries } of [
    { status: 400, tries: 1 },
    { status: 410, tries: 1 },
    { status: 429, tries: 2 },
    { status: 408, tries: 2 },
    { status: 301, tries: 1 },
  ])
    it(`that answers ${status} is asked ${tries === 1 ? 'once' : 'again'}`, async (t) => {
      const elsewhere = await receiver(t, (res) => void res.end());
      const hook = await receiver(
        t,
        (res) => void res.writeHead(status, { location: elsewhere.url }).end(),
      );
      const { make, deliver } = await bench(t, hooked(hook), { webhookAttempts: 2 });
      await make(1);
      for (let pass = 0; pass < 3; pass += 1) await deliver(60_000);
      assert.equal(hook.received.length, tries);
      assert.deepEqual(elsewhere.received, [], 'a report goes where the settings say');
    });

  it('that hangs costs its own deadline and holds up no other', async (t) => {
    const mute = await receiver(t, (res, nth) => void (nth > 1 && res.end()));
    const quick = await receiver(t, (res) => void res.end());
    const both = (directory: string) => ({
      ...{ directory, formats: ['csv'] },
      webhooks: [
        { name: 'mute', url: mute.url },
        { name: 'quick', url: quick.url },
      ],
    });
    // enough for the quick one on a machine that stands still now and then
    const { make, deliver, deliveries } = await bench(t, both, { webhookWithinMs: 5_000 });
    await make(1);
    await deliver();
    assert.equal(quick.received.length, 1);
    const [file, hanging, done] = await deliveries();
    assert.deepEqual([file?.state, hanging?.state, done?.state], ['done', 'waiting', 'done']);
    assert.match(hanging?.fault ?? '', /nothing within 5000 ms/);
    await deliver(1_000);
    assert.equal(quick.received.length, 1, 'what was done is not done again');
    assert.equal(mute.received.length, 2);
  });

  it('that answers slowly, or without end, is cut off', async (t) => {
    const endless = await receiver(t, (res) => {
      res.writeHead(200);
      const drip = setInterval(() => res.write('.'), 50);
      res.on('close', () => clearInterval(drip));
    });
    const { make, deliver, deliveries } = await bench(t, hooked(endless), { webhookWithinMs: 500 });
    await make(1);
    await deliver();
    assert.deepEqual(
      (await deliveries()).map(({ state }) => state),
      ['waiting'],
    );
  });

  it('that is not there is asked again', async (t) => {
    const gone = await receiver(t, () => undefined);
    await gone.close();
    const { make, deliver, deliveries } = await bench(t, hooked(gone));
    await make(1);
    await deliver();
    assert.match((await deliveries())[0]?.fault ?? '', /ECONNREFUSED/);
  });

  it('of another scheme is never called', async () => {
    const webhook = { name: 'x', url: 'file:///etc/passwd', format: 'json' } as const;
    const report = {
      v: 1,
      id: 'x-1',
      schedule: 'x',
      atMs: 0,
      revision: 1,
      doubts: [],
      waiting: [],
      rows: [],
    } as const;
    const call = { webhook, report, delivery: 'd', secret: undefined, nowMs: 0, withinMs: 100 };
    assert.equal((await callWebhook(call, patience())).went, 'never');
    assert.throws(
      () =>
        reportSettings({
          schedules: [{ name: 'a', cron: '@daily', webhooks: [{ name: 'x', url: 'ftp://x' }] }],
        }),
      /uri/,
    );
  });
});
