import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type CronPlan, duesBetween, nextDue } from '../../src/core/cron.ts';
import { zoneOf } from '../../src/core/cron-zone.ts';
import { cronPlan } from '../../src/report/cron.ts';
import { runs } from '../runs.ts';

const at = (text: string): number => Date.parse(text);
const iso = (ms: number | undefined): string =>
  ms === undefined ? 'never' : new Date(ms).toISOString().replace('.000Z', 'Z');

/** The due times of a span, in order. */
function dues(cron: string, zone: string, from: string, to: string): string[] {
  const [plan, where] = [cronPlan(cron), zoneOf(zone)];
  const found: string[] = [];
  for (let next = nextDue(plan, where, at(from)); next !== undefined && next <= at(to);) {
    found.push(iso(next));
    next = nextDue(plan, where, next);
  }
  return found;
}

describe('due times', () => {
  for (const { says, cron, zone, from, to, are } of [
    {
      says: 'follow the local time of a zone',
      ...{ cron: '30 6 * * *', zone: 'Europe/Berlin' },
      ...{ from: '2026-01-01T00:00:00Z', to: '2026-01-02T23:00:00Z' },
      are: ['2026-01-01T05:30:00Z', '2026-01-02T05:30:00Z'],
    },
    {
      says: 'that clocks skip in spring come when they skip',
      ...{ cron: '30 2 * * *', zone: 'America/New_York' },
      ...{ from: '2026-03-07T12:00:00Z', to: '2026-03-09T12:00:00Z' },
      are: ['2026-03-08T07:00:00Z', '2026-03-09T06:30:00Z'],
    },
    {
      says: 'of one gap are one',
      ...{ cron: '0,15,30 2 * * *', zone: 'America/New_York' },
      ...{ from: '2026-03-08T00:00:00Z', to: '2026-03-08T23:00:00Z' },
      are: ['2026-03-08T07:00:00Z'],
    },
    {
      says: 'that clocks show twice in autumn come once, the first time',
      ...{ cron: '30 1 * * *', zone: 'America/New_York' },
      ...{ from: '2026-10-31T12:00:00Z', to: '2026-11-02T12:00:00Z' },
      are: ['2026-11-01T05:30:00Z', '2026-11-02T06:30:00Z'],
    },
    {
      says: 'of every hour follow the real hours in spring',
      ...{ cron: '0 * * * *', zone: 'America/New_York' },
      ...{ from: '2026-03-08T05:30:00Z', to: '2026-03-08T08:30:00Z' },
      are: ['2026-03-08T06:00:00Z', '2026-03-08T07:00:00Z', '2026-03-08T08:00:00Z'],
    },
    {
      says: 'of every hour follow the real hours in autumn',
      ...{ cron: '0 * * * *', zone: 'America/New_York' },
      ...{ from: '2026-11-01T04:30:00Z', to: '2026-11-01T07:30:00Z' },
      are: ['2026-11-01T05:00:00Z', '2026-11-01T06:00:00Z', '2026-11-01T07:00:00Z'],
    },
    {
      says: 'at midnight where midnight is skipped',
      ...{ cron: '0 0 * * *', zone: 'America/Asuncion' },
      ...{ from: '2023-09-30T12:00:00Z', to: '2023-10-02T12:00:00Z' },
      are: ['2023-10-01T04:00:00Z', '2023-10-02T03:00:00Z'],
    },
    {
      says: 'where clocks move by half an hour',
      ...{ cron: '15 2 * * *', zone: 'Australia/Lord_Howe' },
      ...{ from: '2026-10-02T20:00:00Z', to: '2026-10-04T20:00:00Z' },
      are: ['2026-10-03T15:30:00Z', '2026-10-04T15:15:00Z'],
    },
    {
      says: 'on the last day of a month, and on the second Monday',
      ...{ cron: '0 6 L * *', zone: 'UTC' },
      ...{ from: '2026-01-15T00:00:00Z', to: '2026-03-05T00:00:00Z' },
      are: ['2026-01-31T06:00:00Z', '2026-02-28T06:00:00Z'],
    },
    {
      says: 'on the second Monday',
      ...{ cron: '0 6 * * 1#2', zone: 'UTC' },
      ...{ from: '2026-01-01T00:00:00Z', to: '2026-02-28T00:00:00Z' },
      are: ['2026-01-12T06:00:00Z', '2026-02-09T06:00:00Z'],
    },
    {
      says: 'by nickname',
      ...{ cron: '@weekly', zone: 'UTC' },
      ...{ from: '2026-01-01T00:00:00Z', to: '2026-01-12T00:00:00Z' },
      are: ['2026-01-04T00:00:00Z', '2026-01-11T00:00:00Z'],
    },
    {
      says: 'on a day that comes every four years',
      ...{ cron: '0 0 29 2 *', zone: 'UTC' },
      ...{ from: '2026-01-01T00:00:00Z', to: '2029-01-01T00:00:00Z' },
      are: ['2028-02-29T00:00:00Z'],
    },
  ]) {
    it(says, () => assert.deepEqual(dues(cron, zone, from, to), are));
  }
});

describe('due times of a span', () => {
  const daily: CronPlan = { minutes: [0], hours: [6], onDay: () => true };
  const utc = zoneOf('UTC');
  for (const { says, afterMs, toMs, is } of [
    {
      says: 'leave its beginning out',
      ...{ afterMs: at('2026-01-01T06:00:00Z'), toMs: at('2026-01-02T05:59:59Z') },
      is: undefined,
    },
    {
      says: 'and have its end in',
      ...{ afterMs: at('2026-01-01T06:00:00Z'), toMs: at('2026-01-02T06:00:00Z') },
      is: { lastMs: at('2026-01-02T06:00:00Z'), others: 0 },
    },
    {
      says: 'are counted, and the newest named',
      ...{ afterMs: at('2026-01-01T06:00:00Z'), toMs: at('2026-01-11T07:00:00Z') },
      is: { lastMs: at('2026-01-11T06:00:00Z'), others: 9 },
    },
    {
      says: 'are none when time went backwards',
      ...{ afterMs: at('2026-01-11T07:00:00Z'), toMs: at('2026-01-01T06:00:00Z') },
      is: undefined,
    },
  ]) {
    it(says, () => assert.deepEqual(duesBetween(daily, utc, { afterMs, toMs }), is));
  }

  it('are not counted for ever after years away', () => {
    const often: CronPlan = { minutes: [0, 30], hours: [6, 7, 8], onDay: () => true };
    const span = { afterMs: at('2001-01-01T00:00:00Z'), toMs: at('2026-01-01T00:00:00Z') };
    assert.deepEqual(duesBetween(often, utc, { ...span, most: 100 }), {
      lastMs: at('2025-12-31T08:30:00Z'),
      others: 100,
    });
  });

  it('agree with going from one due time to the next, in any zone', () => {
    const zones = [
      'UTC',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'Africa/Casablanca',
    ];
    const crons = ['30 2 * * *', '0 1,2,3 * * *', '0 * * * *', '15 */6 * * 1-5', '59 23 28-31 * *'];
    const start = at('2025-12-01T00:00:00Z');
    const span = fc.record({
      zone: fc.constantFrom(...zones),
      cron: fc.constantFrom(...crons),
      from: fc.integer({ min: 0, max: 400 * 24 }),
      hours: fc.integer({ min: 0, max: 120 }),
    });
    fc.assert(
      fc.property(span, ({ zone, cron, from, hours }) => {
        const afterMs = start + from * 3_600_000;
        const toMs = afterMs + hours * 3_600_000;
        const one = dues(cron, zone, iso(afterMs), iso(toMs));
        const found = duesBetween(cronPlan(cron), zoneOf(zone), { afterMs, toMs });
        assert.equal(found?.others ?? -1, one.length - 1);
        assert.equal(found && iso(found.lastMs), one.at(-1));
      }),
      { numRuns: runs(60) },
    );
  });
});
