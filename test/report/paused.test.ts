import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { isLed } from '../../src/ledger/election.ts';
import { listReports, listUndelivered } from '../../src/ledger/reports.ts';
import { patience } from '../ledger/opened.ts';
import { staged, until } from './staged.ts';

const MINUTE_MS = 60_000;
/** What comes due on the minute is made and sent by then, and nothing else comes due soon, ms. */
const QUIET_MS = { from: 5_000, to: 55_000 };
/** An ex-leader that was going to make or send a report would have by then, ms. */
const LONG_ENOUGH_MS = 6_000;

const isQuiet = (): boolean => {
  const pastMs = Date.now() % MINUTE_MS;
  return pastMs > QUIET_MS.from && pastMs < QUIET_MS.to;
};

const dueOf = (reports: readonly { readonly id: string }[]): string[] =>
  reports.map(({ id }) => `${id}.chat`).sort();

describe('a leader that stands still while a report comes due', { timeout: 400_000 }, () => {
  it('is stood in for, and neither makes nor sends it once more when it wakes up', (t) =>
    staged(
      {
        ...{ name: 'often', cron: '* * * * *', isOwed: false },
        answer: (res) => void res.writeHead(202).end(),
      },
      async ({ store, receiver, directory, start }) => {
        const leads = (name: string) => isLed(store, name, patience());
        const former = await start();
        await until(() => leads('reports'), 'it makes reports');
        await until(() => leads('report-deliveries'), 'it delivers them');
        const other = await start();
        const isIdle = async (): Promise<boolean> =>
          isQuiet() && (await listUndelivered(store, patience())).waiting.length === 0;
        await until(isIdle, 'nothing is due, and what was is delivered');
        const before = receiver.received.length;
        former.pause();
        const pausedMs = Date.now();
        await until(
          () => Promise.resolve(receiver.received.length > before),
          'the other sends one',
          5 * MINUTE_MS,
        );
        t.diagnostic(`sent ${Date.now() % MINUTE_MS} ms after it was due`);
        former.resume();
        await wait(LONG_ENOUGH_MS);
        let sent: unknown[] = [];
        const list = async () => (await listReports(store, { limit: 100 }, patience())).reports;
        let reports = await list();
        const isDone = async (): Promise<boolean> => {
          reports = await list();
          const files = await readdir(directory);
          sent = receiver.received.map(({ headers }) => headers['x-corral-delivery']);
          return (
            [...new Set(sent)].sort().join() === dueOf(reports).join() &&
            files.length === reports.length &&
            files.every((name) => name.endsWith('.csv'))
          );
        };
        await until(isDone, 'whatever came due meanwhile is delivered');
        const dues = reports.map(({ dueMs = 0 }) => dueMs);
        assert.deepEqual(dues, [...new Set(dues)], 'one report for each due time');
        assert.ok((dues[0] ?? 0) > pausedMs);
        // the other may have lost a term between sending one and writing that down: then it sends it again
        const lost = other.logged.filter((line) => line.includes('leadership lost')).length;
        assert.ok(sent.length <= reports.length + lost, `each is sent once: ${sent.join(', ')}`);
      },
    ));
});
