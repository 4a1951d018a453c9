import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { brakeOn, type BrakeRule, type Looping, loopsIn } from '../../src/core/brake.ts';
import { type Failure, type FailureRecord, withFailure } from '../../src/core/failure-record.ts';
import type { HeldRecord } from '../../src/core/held-record.ts';

const RULE: BrakeRule = { failures: 3, withinMs: 60_000, cycles: 2 };
const NOW = 1_000_000;
const recordOf = (times: readonly number[], more: Partial<Failure> = {}): FailureRecord =>
  times
    .map((atMs): Failure => ({
      ...{ atMs, node: 'n1', network: 'prod', short: 'address', why: '2 held', app: '/a' },
      ...more,
    }))
    .reduce<FailureRecord | undefined>(withFailure, undefined)!;
const loops = (failures: readonly FailureRecord[], sinceMs = 0) =>
  loopsIn(failures, RULE, { nowMs: NOW, sinceMs: () => sinceMs });

describe('a launch loop', () => {
  const recent = [NOW - 1, NOW - 2, NOW - 3];
  for (const { says, failures, since = 0, found } of [
    { says: 'is N failures within the window', failures: [recordOf(recent)], found: 3 },
    { says: 'is not fewer', failures: [recordOf(recent.slice(1))], found: undefined },
    {
      says: 'is counted over nodes and minutes',
      failures: [recordOf([NOW - 1]), recordOf([NOW - 50_000, NOW - 40_000], { node: 'n2' })],
      found: 3,
    },
    {
      says: 'is not made of what is older than the window',
      failures: [recordOf([NOW - 1, NOW - 2, NOW - 60_000])],
      found: undefined,
    },
    {
      says: 'is not made of what was answered by holding the app',
      failures: [recordOf(recent)],
      since: NOW - 2,
      found: undefined,
    },
    {
      says: 'is nobody’s when nobody is named',
      failures: [(({ app: _app, ...record }) => record)(recordOf(recent))],
      found: undefined,
    },
  ])
    it(says, () => assert.equal(loops(failures, since)[0]?.count, found));

  it('names its nodes and its newest failure', () => {
    const [loop] = loops([
      recordOf([NOW - 9], { node: 'n3', why: 'old' }),
      recordOf([NOW - 1], { node: 'n1', why: 'new' }),
      recordOf([NOW - 5], { node: 'n2' }),
    ]);
    assert.deepEqual([loop?.nodes, loop?.last.why], [['n1', 'n2', 'n3'], 'new']);
  });

  it('is what a plain count over all failures finds, app by app', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            app: fc.constantFrom('/a', '/b', '/c'),
            node: fc.constantFrom('n1', 'n2'),
            ago: fc.nat(90_000),
          }),
          { maxLength: 40 },
        ),
        fc.nat(90_000),
        fc.integer({ min: 1, max: 6 }),
        (all, sinceAgo, failures) => {
          const rule = { ...RULE, failures };
          const sinceMs = NOW - sinceAgo;
          const groups = new Map<string, FailureRecord>();
          for (const { app, node, ago } of all) {
            const failure = { ...recordOf([NOW - ago], { app, node }), atMs: NOW - ago };
            const key = `${app} ${node} ${Math.floor((NOW - ago) / 60_000)}`;
            groups.set(key, withFailure(groups.get(key), failure));
          }
          const found = loopsIn([...groups.values()], rule, { nowMs: NOW, sinceMs: () => sinceMs });
          // a record keeps its last 20 times, which is as far as a rule may count
          for (const app of ['/a', '/b', '/c']) {
            const count = all.filter(
              (one) => one.app === app && NOW - one.ago > Math.max(NOW - rule.withinMs, sinceMs),
            ).length;
            const loop = found.find((one) => one.app === app);
            assert.equal(loop !== undefined, count >= failures, `${app}: ${count}`);
          }
        },
      ),
    ));
});

const looping = (more: Partial<Looping> = {}): Looping => ({
  loop: { app: '/a', count: 3, nodes: ['n1'], last: recordOf([NOW - 1]) },
  instances: 5,
  version: 'v7',
  runs: 3,
  priority: 4,
  room: { elsewhere: false, anywhere: false },
  short: 'no address is free',
  ...more,
});
const held = (more: Partial<HeldRecord> = {}): HeldRecord => ({
  v: 1,
  wanted: 9,
  allowed: 5,
  why: '',
  sinceMs: 7,
  ...more,
});
const recordFor = (seen: Looping): HeldRecord => {
  const step = brakeOn(seen, RULE, NOW);
  assert.equal(step.do, 'hold');
  return step.record;
};

describe('the brake', () => {
  it('leaves alone what runs whole, and what another node can take', () => {
    assert.equal(brakeOn(looping({ runs: 5 }), RULE, NOW).do, 'nothing');
    assert.equal(brakeOn(looping({ runs: 6 }), RULE, NOW).do, 'nothing');
    const room = { elsewhere: true, anywhere: true };
    assert.equal(brakeOn(looping({ room }), RULE, NOW).do, 'nothing');
  });

  it('holds the app at what runs, keeps what was wanted, and says why', () => {
    const { why, ...record } = recordFor(looping());
    assert.deepEqual(record, {
      ...{ v: 1, wanted: 5, allowed: 3, by: 'brake', sinceMs: NOW, priority: 4, ran: 3, cycles: 0 },
      ...{ pending: { from: 5, version: 'v7' }, heldMs: NOW },
    });
    assert.equal(
      why,
      '/a: 3 of 5 instances run, held so until there is room: 3 launches failed within 60 s on n1 ' +
        'for lack of an address (2 held), and no other node can take one: no address is free',
    );
  });

  it('says so when it is bandwidth that nodes lack', () => {
    const last = recordOf([NOW - 1], { short: 'bandwidth', why: 'net_in is given' });
    const { why } = recordFor(looping({ loop: { app: '/a', count: 3, nodes: ['n1'], last } }));
    assert.match(why, /3 launches failed .* on n1 for lack of bandwidth \(net_in is given\)/);
  });

  it('holds at nothing when nothing runs', () =>
    assert.equal(recordFor(looping({ runs: 0 })).allowed, 0));

  it('lets it rest when the ledger sees room where the launches fail', () => {
    const room = { elsewhere: false, anywhere: true };
    assert.equal(recordFor(looping({ room })).notBeforeMs, NOW + RULE.withinMs);
  });

  it('keeps the place in the queue and what was wanted of an app that was held before', () => {
    const { wanted, sinceMs } = recordFor(looping({ held: held() }));
    assert.deepEqual([wanted, sinceMs], [9, 7]);
  });

  it('takes another count in Marathon for a new word of the client', () => {
    const { wanted, sinceMs, cycles } = recordFor(
      looping({ held: held({ allowed: 4, cycles: 1 }) }),
    );
    assert.deepEqual([wanted, sinceMs, cycles], [5, NOW, 0]);
  });

  interface Cycle {
    readonly says: string;
    readonly before: Partial<HeldRecord>;
    readonly cycles: number;
    readonly stopped?: boolean;
  }
  const CYCLES: readonly Cycle[] = [
    { says: 'no growth since: no cycle', before: { heldMs: 20, grownMs: 10, ran: 3 }, cycles: 0 },
    { says: 'grown in vain: one', before: { heldMs: 10, grownMs: 20, ran: 3 }, cycles: 1 },
    {
      says: 'grown in vain twice: stopped',
      before: { heldMs: 10, grownMs: 20, ran: 3, cycles: 1 },
      ...{ cycles: 2, stopped: true },
    },
    {
      says: 'grown and running more: none, whatever was before',
      before: { heldMs: 10, grownMs: 20, ran: 2, cycles: 1 },
      cycles: 0,
    },
    { says: 'never braked before: none', before: { grownMs: 20 }, cycles: 0 },
    {
      says: 'stopped already: it stays so',
      before: { heldMs: 20, grownMs: 10, ran: 3, cycles: 2, stoppedMs: 20 },
      ...{ cycles: 2, stopped: true },
    },
  ];
  for (const { says, before, cycles, stopped = false } of CYCLES)
    it(`counts cycles: ${says}`, () => {
      const record = recordFor(looping({ held: held(before) }));
      assert.equal(record.cycles, cycles);
      assert.equal(record.stoppedMs !== undefined, stopped);
      if (stopped) assert.match(record.why, /grew in vain 2 times .*"corral held release \/a"/);
    });

  it('ends every row of cycles in vain, and only those', () =>
    fc.assert(
      fc.property(
        fc.array(fc.nat(5), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 4 }),
        (ran, cycles) => {
          const rule = { ...RULE, cycles };
          let record: HeldRecord | undefined;
          let vain = 0; // the first hold is no cycle
          let most = -1;
          for (const [at, runs] of ran.entries()) {
            const nowMs = NOW + at * 1_000;
            const instances = record ? 9 : 10; // 10 wanted; each growth reaches 9
            const seen = looping({ runs, instances, ...(record && { held: record }) });
            const step = brakeOn(seen, rule, nowMs);
            assert.equal(step.do, 'hold');
            vain = at > 0 && runs <= most ? vain + 1 : 0;
            most = runs;
            assert.equal(step.record.stoppedMs !== undefined, vain >= cycles);
            assert.equal(step.record.wanted, 10);
            if (vain >= cycles) return;
            record = { ...step.record, allowed: 9, grownMs: nowMs + 500 };
          }
        },
      ),
    ));
});
