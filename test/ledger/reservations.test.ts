import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ReservationRecord } from '../../src/core/promise-record.ts';
import { heldApps } from '../../src/ledger/held.ts';
import { appRates } from '../../src/ledger/app-rates.ts';
import { injectedConstraints } from '../../src/ledger/injected.ts';
import { keys } from '../../src/ledger/keys.ts';
import {
  endReservation,
  extendReservation,
  getReservation,
  listReservations,
  readAdmission,
  reserve,
  settleReservation,
  TooManyApps,
} from '../../src/ledger/reservations.ts';
import { opened, patience } from './opened.ts';

const signal = patience();

const promise = (id: string, more: Partial<ReservationRecord> = {}): ReservationRecord => ({
  v: 1,
  id,
  target: 1,
  demand: { cpus: 1, memMiB: 1, diskMiB: 0, gpus: 0, ports: { any: 0, fixed: [] }, addresses: [] },
  constraints: [],
  witness: [['node-1', 1]],
  draws: [],
  sequence: 0,
  sinceMs: 1,
  deadlineMs: 100,
  fingerprint: 'f',
  until: 'leases',
  growInKbit: 0,
  growOutKbit: 0,
  ...more,
});

const held = { v: 1, wanted: 3, allowed: 1, why: 'no room', sinceMs: 1 } as const;
const injected = { v: 1, constraints: [['hostname', 'UNLIKE', 'n1']], sinceMs: 1 } as const;
const rates = { v: 1, networks: { prod: { netInKbit: 3_000 } }, sinceMs: 1 } as const;

describe('reserve', () => {
  it('writes the whole change and advances the sequence, in one revision', async (t) => {
    const store = await opened(t);
    await heldApps.set(store, { app: '/b', record: held }, signal);
    await appRates.set(store, { app: '/b', record: rates }, signal);
    await reserve(
      store,
      { sequence: 0, reservations: [{ app: '/old', record: promise('o') }] },
      signal,
    );
    const outcome = await reserve(
      store,
      {
        sequence: 1,
        reservations: [
          { app: '/a', record: promise('1') },
          { app: '/b', record: promise('2') },
        ],
        ended: ['/old', '/never', '/a'],
        held: [
          { app: '/a', record: held },
          { app: '/b', record: undefined },
        ],
        injected: [{ app: '/a', record: injected }],
        rates: [
          { app: '/a', record: rates },
          { app: '/b', record: undefined },
        ],
      },
      signal,
    );
    assert(outcome.won);
    assert.equal(outcome.sequence, 2);
    assert.deepEqual(await readAdmission(store, signal), {
      sequence: 2,
      revision: outcome.revision,
    });
    const { reservations } = await listReservations(store, signal);
    assert.deepEqual(
      reservations.map(({ app, id }) => [app, id]),
      [
        ['/a', '1'],
        ['/b', '2'],
      ],
    );
    assert.equal((await store.get(keys.reservation('/a'), signal))?.revision, outcome.revision);
    assert.deepEqual(await heldApps.list(store, signal), {
      notes: [{ app: '/a', record: held }],
      faults: [],
    });
    assert.deepEqual(await injectedConstraints.get(store, '/a', signal), injected);
    assert.deepEqual((await appRates.list(store, signal)).notes, [{ app: '/a', record: rates }]);
  });

  it('writes nothing when the sequence has moved, and says where it is', async (t) => {
    const store = await opened(t);
    const one = { sequence: 0, reservations: [{ app: '/a', record: promise('1') }] };
    await reserve(store, one, signal);
    const { won, sequence } = await reserve(
      store,
      { sequence: 0, reservations: [{ app: '/b', record: promise('2') }] },
      signal,
    );
    assert.deepEqual([won, sequence], [false, 1]);
    assert.equal(await getReservation(store, '/b', signal), undefined);
  });

  it('lets exactly one of many rivals win each sequence', async (t) => {
    const store = await opened(t);
    for (let sequence = 0; sequence < 3; sequence++) {
      const rivals = Array.from({ length: 16 }, (_, n) =>
        reserve(
          store,
          { sequence, reservations: [{ app: `/a${n}`, record: promise(`${sequence}-${n}`) }] },
          signal,
        ),
      );
      const won = (await Promise.all(rivals)).filter((outcome) => outcome.won);
      assert.equal(won.length, 1);
    }
    assert.equal((await readAdmission(store, signal)).sequence, 3);
  });

  it('refuses a change larger than one commit', async (t) => {
    const store = await opened(t);
    const reservations = Array.from({ length: 121 }, (_, n) => ({
      app: `/a${n}`,
      record: promise('1'),
    }));
    await assert.rejects(
      reserve(store, { sequence: 0, reservations }, signal),
      (error) =>
        error instanceof TooManyApps && /^121 apps take 121 records .* 120$/.test(error.message),
    );
    const { won } = await reserve(
      store,
      { sequence: 0, reservations: reservations.slice(1) },
      signal,
    );
    assert(won);
  });
});

describe('a promise', () => {
  it('is ended by its own id only, and ending it twice is no fault', async (t) => {
    const store = await opened(t);
    await reserve(
      store,
      { sequence: 0, reservations: [{ app: '/a', record: promise('new') }] },
      signal,
    );
    assert.equal(await endReservation(store, { app: '/a', id: 'old' }, signal), false);
    assert.equal(await endReservation(store, { app: '/a', id: 'new' }, signal), true);
    assert.equal(await endReservation(store, { app: '/a', id: 'new' }, signal), false);
    assert.equal((await readAdmission(store, signal)).sequence, 1);
  });

  it('remembers its deployment', async (t) => {
    const store = await opened(t);
    await reserve(
      store,
      { sequence: 0, reservations: [{ app: '/a', record: promise('1') }] },
      signal,
    );
    const settled = await settleReservation(
      store,
      { app: '/a', id: '1' },
      { deployment: 'd1' },
      signal,
    );
    assert.equal(settled, true);
    assert.equal((await getReservation(store, '/a', signal))?.deployment, 'd1');
    const other = await settleReservation(
      store,
      { app: '/a', id: '2' },
      { deployment: 'd2' },
      signal,
    );
    assert.equal(other, false);
    assert.equal((await getReservation(store, '/a', signal))?.deployment, 'd1');
  });

  it('is prolonged, never cut short', async (t) => {
    const store = await opened(t);
    const meant = { app: '/a', id: '1' };
    await reserve(
      store,
      { sequence: 0, reservations: [{ app: '/a', record: promise('1') }] },
      signal,
    );
    for (const [deadlineMs, stands] of [
      [50, 100],
      [200, 200],
    ] as const) {
      assert.equal(await extendReservation(store, meant, { deadlineMs }, signal), true);
      assert.equal((await getReservation(store, '/a', signal))?.deadlineMs, stands);
    }
  });
});

describe('notes about apps', () => {
  it('are overwritten, dropped, and dropped again', async (t) => {
    const store = await opened(t);
    await heldApps.set(store, { app: '/a', record: held }, signal);
    await heldApps.set(store, { app: '/a', record: { ...held, allowed: 2 } }, signal);
    assert.equal((await heldApps.get(store, '/a', signal))?.allowed, 2);
    await heldApps.drop(store, '/a', signal);
    await heldApps.drop(store, '/a', signal);
    assert.equal(await heldApps.get(store, '/a', signal), undefined);
  });

  it('that do not read are reported beside the others', async (t) => {
    const store = await opened(t);
    await injectedConstraints.set(store, { app: '/a', record: injected }, signal);
    await store.commit({ guards: [], writes: [{ put: keys.injected('/b'), value: '{}' }] }, signal);
    const { notes, faults } = await injectedConstraints.list(store, signal);
    assert.deepEqual(
      notes.map(({ app }) => app),
      ['/a'],
    );
    assert.deepEqual(
      faults.map(({ key }) => key),
      [keys.injected('/b')],
    );
  });
});
