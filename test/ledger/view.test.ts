import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { BlockRecord, TallyRecord } from '../../src/core/lease-record.ts';
import type { ReservationRecord } from '../../src/core/promise-record.ts';
import { Compacted, LedgerUnreachable } from '../../src/ledger/errors.ts';
import { keys, prefixes } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Batch, Store, Write } from '../../src/ledger/store.ts';
import { openView, startView, type View } from '../../src/ledger/view.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { HandClock, lay, opened, patience } from './opened.ts';

const topology = {
  pools: {
    'prod-a': { cidr: '192.0.2.0/24', ranges: ['192.0.2.10-192.0.2.19'] },
    v6: { cidr: '2001:db8::/64', ranges: ['2001:db8::10-2001:db8::1f'] },
  },
  networks: { prod: { pools: ['prod-a', 'v6'] } },
  nodes: { 'node-1': { link: '10mbit' }, 'node-2': { link: '10mbit' } },
};

const tally = (apps: TallyRecord['apps']): TallyRecord => ({
  v: 1,
  netInKbit: 0,
  netOutKbit: 0,
  pools: {},
  apps,
});

const block = (mask: string): BlockRecord => ({
  v: 1,
  held: { 'node-1': mask.padEnd(64, '0') },
  cursor: 0,
  cooling: {},
  quarantined: {},
});

const reservation: ReservationRecord = {
  v: 1,
  id: 'op-1',
  target: 3,
  demand: {
    cpus: 1,
    memMiB: 32,
    diskMiB: 0,
    gpus: 0,
    ports: { any: 0, fixed: [] },
    addresses: [{ network: 'prod', netInKbit: 1_000, netOutKbit: 0 }],
  },
  constraints: [],
  witness: [['node-1', 3]],
  draws: [['prod-a', 3]],
  sequence: 1,
  sinceMs: 1,
  deadlineMs: 2,
  fingerprint: 'f'.repeat(64),
  until: 'leases',
  growInKbit: 0,
  growOutKbit: 0,
};

const write = async (store: Store, ...writes: Write[]): Promise<number> => {
  const { won, revision } = await store.commit({ guards: [], writes }, patience());
  assert.ok(won);
  return revision;
};

const deps = { clock: systemClock, log: silentLog };

async function viewOf(t: TestContext): Promise<{ store: Store; view: View }> {
  const store = await opened(t);
  await lay(store, topology);
  const ending = new AbortController();
  t.after(() => ending.abort());
  return { store, view: await openView(store, deps, ending.signal) };
}

const free = (view: View, pool = 'prod-a'): number | undefined =>
  view.snapshot.room().pools.get(pool)?.free;

describe('openView', () => {
  it('shows what the ledger holds once it resolves', async (t) => {
    const { view } = await viewOf(t);
    assert.equal(free(view), 10);
    assert.deepEqual([...view.snapshot.room().nodes.keys()], ['node-1', 'node-2']);
    assert.equal(view.snapshot.room().nodes.get('node-1')?.offered, false);
    assert.equal(view.sequence, 0);
    assert.equal(view.admissionRevision, 0);
    assert.equal(view.state().ready, true);
  });

  it('follows every kind of record', async (t) => {
    const { store, view } = await viewOf(t);
    const revision = await write(
      store,
      { put: keys.block('prod-a', 0n), value: records.block.encode(block('003')) },
      { put: keys.tally('node-1'), value: records.tally.encode(tally({ '/a/b': { prod: 2 } })) },
      { put: keys.reservation('/a/b'), value: records.reservation.encode(reservation) },
      { put: keys.admission, value: records.admission.encode({ v: 1, sequence: 7 }) },
      {
        put: keys.held('/a/b'),
        value: records.held.encode({ v: 1, wanted: 5, allowed: 3, why: 'room', sinceMs: 1 }),
      },
      {
        put: keys.injected('/a/b'),
        value: records.injected.encode({ v: 1, constraints: [['hostname', 'UNIQUE']], sinceMs: 1 }),
      },
      {
        put: keys.appRates('/a/b'),
        value: records.appRates.encode({ v: 1, networks: { prod: { netInKbit: 9 } }, sinceMs: 1 }),
      },
    );
    await view.whenShown(revision, patience());
    assert.equal(view.revision, revision);
    assert.equal(view.snapshot.heldBy('/a/b'), 2);
    assert.equal(view.snapshot.owed('/a/b'), 1);
    assert.equal(free(view), 10 - 2 - 1);
    assert.equal(view.sequence, 7);
    assert.equal(view.admissionRevision, revision);
    assert.equal(view.held.get('/a/b')?.wanted, 5);
    assert.deepEqual(view.injected.get('/a/b')?.constraints, [['hostname', 'UNIQUE']]);
    assert.deepEqual(view.appRates.get('/a/b')?.networks, { prod: { netInKbit: 9 } });

    const gone = await write(
      store,
      { drop: keys.block('prod-a', 0n) },
      { drop: keys.tally('node-1') },
      { drop: keys.reservation('/a/b') },
      { drop: keys.held('/a/b') },
      { drop: keys.injected('/a/b') },
      { drop: keys.appRates('/a/b') },
    );
    await view.whenShown(gone, patience());
    assert.equal(free(view), 10);
    assert.deepEqual([view.held.size, view.injected.size, view.appRates.size], [0, 0, 0]);
    assert.equal(view.snapshot.reservations().size, 0);
  });

  it('never shows a sequence without the promises made with it', async (t) => {
    const { store, view } = await viewOf(t);
    const seen: [number, number][] = [];
    view.onChange(() => seen.push([view.sequence, view.snapshot.reservations().size]));
    let revision = 0;
    for (let sequence = 1; sequence <= 40; sequence++)
      revision = await write(
        store,
        { put: keys.admission, value: records.admission.encode({ v: 1, sequence }) },
        {
          put: keys.reservation(`/app-${sequence}`),
          value: records.reservation.encode(reservation),
        },
      );
    await view.whenShown(revision, patience());
    assert.ok(seen.length > 0);
    for (const [sequence, promises] of seen) assert.equal(sequence, promises);
  });

  it('knows addresses beyond the 2^53rd block', async (t) => {
    const { store, view } = await viewOf(t);
    await lay(store, {
      pools: {
        far: {
          cidr: '2001:db8:1::/64',
          ranges: ['2001:db8:1::ffff:ffff:ffff:0-2001:db8:1::ffff:ffff:ffff:9'],
        },
      },
      networks: { far: { pools: ['far'] } },
    });
    const revision = await write(store, {
      put: keys.block('far', 0xffffffffffff00n),
      value: records.block.encode(block('8')),
    });
    await view.whenShown(revision, patience());
    assert.equal(free(view, 'far'), 9);
  });

  it('counts cooling addresses as taken until they have cooled', async (t) => {
    const store = await opened(t);
    await lay(store, topology);
    const clock = new HandClock(1_000);
    const ending = new AbortController();
    t.after(() => ending.abort());
    const cooling = { ...block('0'), held: {}, cooling: { 10: 2_000, 11: 3_000 } };
    await write(store, { put: keys.block('prod-a', 0n), value: records.block.encode(cooling) });
    const view = await openView(store, { clock, log: silentLog }, ending.signal);
    assert.equal(free(view), 8);
    clock.ms = 2_000;
    assert.equal(free(view), 9);
    clock.ms = 3_000;
    assert.equal(free(view), 10);
  });
});

describe('a record that does not read', () => {
  const spoilt = '{"v":9}';

  it('is reported by key and stops nothing else', async (t) => {
    const { store, view } = await viewOf(t);
    const revision = await write(
      store,
      { put: keys.reservation('/bad'), value: 'not json' },
      { put: keys.reservation('/good'), value: records.reservation.encode(reservation) },
      { put: `${prefixes.nodes}%zz`, value: '{}' },
      { put: `${prefixes.room}strangers/x`, value: 'nobody reads this' },
    );
    await view.whenShown(revision, patience());
    assert.deepEqual(
      view
        .faults()
        .map(({ key }) => key)
        .sort(),
      [`${prefixes.nodes}%zz`, keys.reservation('/bad')],
    );
    assert.match(view.faults()[0]?.message ?? '', /is not usable/);
    assert.deepEqual([...view.snapshot.reservations().keys()], ['/good']);

    await view.whenShown(
      await write(store, { drop: keys.reservation('/bad') }, { drop: `${prefixes.nodes}%zz` }),
      patience(),
    );
    assert.deepEqual(view.faults(), []);
  });

  it('closes its block', async (t) => {
    const { store, view } = await viewOf(t);
    await view.whenShown(
      await write(store, { put: keys.block('prod-a', 0n), value: spoilt }),
      patience(),
    );
    assert.equal(free(view), 0);
  });

  it('fills its node', async (t) => {
    const { store, view } = await viewOf(t);
    await view.whenShown(
      await write(store, { put: keys.tally('node-1'), value: spoilt }),
      patience(),
    );
    assert.ok((view.snapshot.room().nodes.get('node-1')?.netInKbit ?? 0) < 0);
  });
});

describe('whenAt', () => {
  it('does not wait for a revision that moved nothing of the room', async (t) => {
    const { store, view } = await viewOf(t);
    const revision = await write(store, { put: keys.verdict('x'), value: '{}' });
    await view.whenAt(revision, patience());
    assert.ok(view.revision < revision);
  });

  it('ends with the signal', async (t) => {
    const { view } = await viewOf(t);
    const ending = AbortSignal.abort(new Error('enough'));
    await assert.rejects(view.whenAt(9_999, ending), /enough/);
  });
});

/** A real store whose watch can be made to fail. */
function unsteady(store: Store): { store: Store; fail: (fault: Error) => void } {
  const fails = new Set<(fault: Error) => void>();
  async function* watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<Batch> {
    const inner = store.watch(prefix, after, signal)[Symbol.asyncIterator]();
    let fail: ((fault: Error) => void) | undefined;
    const failed = new Promise<never>((_, reject) => (fail = reject));
    failed.catch(() => undefined);
    if (fail) fails.add(fail);
    for (;;) {
      const next = await Promise.race([inner.next(), failed]);
      if (next.done === true) return;
      yield next.value;
    }
  }
  return {
    store: {
      get: (...args) => store.get(...args),
      range: (...args) => store.range(...args),
      commit: (...args) => store.commit(...args),
      hold: (...args) => store.hold(...args),
      close: () => store.close(),
      watch,
    },
    fail: (fault) => {
      for (const one of fails) one(fault);
      fails.clear();
    },
  };
}

describe('a ledger that goes away', () => {
  it('leaves the picture standing, says so, and catches up', async (t) => {
    const real = await opened(t);
    await lay(real, topology);
    const { store, fail } = unsteady(real);
    const clock = new HandClock();
    const ending = new AbortController();
    t.after(() => ending.abort());
    const view = await openView(store, { clock, log: silentLog }, ending.signal);
    fail(new LedgerUnreachable('watch', 10));
    const revision = await write(real, {
      put: keys.block('prod-a', 0n),
      value: records.block.encode(block('003')),
    });
    await view.whenShown(revision, patience());
    assert.equal(free(view), 8);
    assert.equal(view.state().ready, true);
  });

  it('is read again whole when its history is gone, with what Mesos said kept', async (t) => {
    const real = await opened(t);
    await lay(real, topology);
    const { store, fail } = unsteady(real);
    const ending = new AbortController();
    t.after(() => ending.abort());
    const view = await openView(store, deps, ending.signal);
    const facts = {
      attributes: {},
      offered: true,
      cpus: 4,
      memMiB: 1,
      diskMiB: 0,
      gpus: 0,
      ports: [],
    };
    view.snapshot.replaceFacts(new Map([['node-1', facts]]));
    const before = view.snapshot;
    const changed = new Promise<void>((resolve) => view.onChange(resolve));
    fail(new Compacted(1));
    await changed;
    assert.notEqual(view.snapshot, before);
    assert.equal(view.snapshot.room().nodes.get('node-1')?.cpus, 4);
    assert.equal(free(view), 10);
  });

  it('keeps a view waiting that was started without it', async (t) => {
    const real = await opened(t);
    await lay(real, topology);
    let up = false;
    const store: Store = {
      ...unsteady(real).store,
      range: (...args) =>
        up ? real.range(...args) : Promise.reject(new LedgerUnreachable('a range', 10)),
    };
    const ending = new AbortController();
    t.after(() => ending.abort());
    const { view, opened: first } = startView(
      store,
      { clock: new HandClock(), log: silentLog },
      ending.signal,
    );
    assert.equal(view.state().ready, false);
    up = true;
    await first;
    assert.equal(free(view), 10);
  });

  it('rejects the opening when the signal ends it first', async (t) => {
    const real = await opened(t);
    const store: Store = {
      ...unsteady(real).store,
      range: () => Promise.reject(new LedgerUnreachable('a range', 10)),
    };
    const ending = AbortSignal.timeout(30);
    await assert.rejects(openView(store, deps, ending), { name: 'TimeoutError' });
  });
});
