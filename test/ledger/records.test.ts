import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BadRecord } from '../../src/ledger/errors.ts';
import { blockIn, holdingOf, keys, nameIn, prefixes } from '../../src/ledger/keys.ts';
import { faultOf, schemas } from '../../src/ledger/record-schemas.ts';
import { isBlock, isLease, isLimit, isTally } from '../../src/ledger/record-shapes.ts';
import { records } from '../../src/ledger/records.ts';

const demand = {
  cpus: 0.5,
  memMiB: 128,
  diskMiB: 0,
  gpus: 0,
  ports: { any: 1, fixed: [80] },
  addresses: [{ network: 'prod', netInKbit: 1, netOutKbit: 2 }],
};
const constraints = [
  { field: 'hostname', operator: 'LIKE', value: 'n1' },
  { field: 'rack', operator: 'UNIQUE' },
] as const;

/** One sound record of every kind. */
const samples = {
  network: { v: 1, pools: ['p'], attachment: 'bridge', defaultInKbit: 1, defaultOutKbit: 0 },
  pool: {
    v: 1,
    cidr: '198.51.100.0/24',
    ranges: [{ from: '198.51.100.1', to: '198.51.100.9' }],
    exclude: ['198.51.100.2'],
    gateway: '198.51.100.254',
    vlan: 7,
    nodes: { names: ['a'], attributes: { rack: 'r1' } },
  },
  node: {
    v: 1,
    linkInKbit: 1,
    linkOutKbit: 1,
    overcommit: 1.5,
    headroom: 0.95,
    attributes: { rack: '' },
    bootId: 'b',
  },
  tally: {
    v: 1,
    netInKbit: 1,
    netOutKbit: 2,
    pools: { p: 1 },
    apps: { '/a/b': { prod: 1 } },
    forced: 1,
  },
  block: {
    v: 1,
    held: { a: '0'.repeat(63) + 'f' },
    cursor: 255,
    cooling: { 7: 9 },
    quarantined: { 0: '' },
  },
  lease: {
    v: 1,
    pool: 'p',
    network: 'prod',
    app: '/a',
    incarnation: 'c1',
    sinceMs: 5,
    asked: { netInKbit: 1 },
    counted: { netInKbit: 0, netOutKbit: 1, classMinor: 256, forced: true },
  },
  limit: { v: 1, netInKbit: 0, netOutKbit: 1, classMinor: 256, edit: 'e1', editedMs: 5 },
  failure: {
    v: 1,
    sinceMs: 4,
    atMs: 5,
    count: 2,
    times: [5, 4],
    node: 'node-1',
    network: 'prod',
    short: 'address',
    why: 'none left',
    app: '/a',
  },
  report: {
    v: 1,
    id: 'daily-2o4m5k0x1',
    schedule: 'daily',
    atMs: 5,
    dueMs: 4,
    late: true,
    missed: 2,
    sinceMs: 3,
    before: 'daily-2o4m5k0x2',
    revision: 9,
    doubts: ['pool "p" counts 1 leases and has 2: see corral ledger check'],
    waiting: [{ app: '/a', allowed: 1, wanted: 2, sinceMs: 3 }],
    figures: { leased: 1, freeInKbit: -5 },
    change: { leased: -1 },
    rows: 7,
    parts: 1,
    deliveries: [{ to: 'file', name: 'csv', state: 'done', attempts: 1, atMs: 5, path: '/x' }],
  },
  reportSchedule: {
    v: 1,
    cron: '0 6 * * *',
    timezone: 'UTC',
    lastDueMs: 5,
    last: 'daily-2o4m5k0x1',
  },
  reportOutbox: {
    v: 1,
    deliveries: [
      { to: 'webhook', name: 'chat', state: 'waiting', attempts: 0, atMs: 5, fault: '' },
    ],
  },
  limitStatus: { v: 1, state: 'failed', netInKbit: 1, netOutKbit: 1, reason: 'no', atMs: 5 },
  audit: {
    v: 1,
    atMs: 5,
    who: 'alice',
    by: 'cli',
    act: 'put back',
    node: 'node-1',
    address: '192.0.2.7',
    before: { netInKbit: 1, netOutKbit: 1 },
    after: { netInKbit: 2, netOutKbit: 2, forced: true },
    of: 'e1',
  },
  admission: { v: 1, sequence: 3 },
  reservation: {
    v: 1,
    id: 'op',
    target: 2,
    demand,
    constraints,
    witness: [['a', 2]],
    draws: [['p', 2]],
    sequence: 3,
    sinceMs: 1,
    deadlineMs: 2,
    fingerprint: 'f',
    until: 'leases',
    growInKbit: 0,
    growOutKbit: 0,
  },
  held: {
    v: 1,
    wanted: 3,
    allowed: 1,
    why: 'no room',
    sinceMs: 1,
    by: 'brake',
    priority: -5,
    verdict: 'v1',
    pending: { from: 3, version: '2026-11-25T00:00:00.000Z' },
    grownMs: 2,
    heldMs: 3,
    ran: 1,
    cycles: 2,
    notBeforeMs: 4,
    stoppedMs: 5,
  },
  injected: { v: 1, constraints: [['hostname', 'UNLIKE', 'n1|n2']], sinceMs: 1 },
  appRates: { v: 1, networks: { prod: { netInKbit: 7 } }, sinceMs: 1 },
  verdict: {
    v: 1,
    atMs: 1,
    change: 'POST /v2/apps',
    apps: ['/a'],
    answer: 'refuse',
    message: 'no',
    revision: 1,
    sequence: 1,
    asks: [{ app: '/a', instances: 1, demand, constraints }],
    nodes: [{ node: 'a', fits: 0, short: 'cpus' }],
  },
  reconciled: {
    v: 1,
    atMs: 1,
    running: 2,
    adopted: 0,
    completed: 0,
    released: 1,
    kept: 0,
    conflicts: ['192.0.2.7 is held by node-2'],
    releases: [{ atMs: 1, address: '192.0.2.8', why: 'nobody was seen on it' }],
  },
  rebuilding: { v: 1, id: 'r1', sinceMs: 1 },
} as const;

type Kind = keyof typeof samples;
const kinds = Object.keys(samples) as Kind[];
const entry = (value: unknown, key = '/k') => ({
  key,
  value: typeof value === 'string' ? value : JSON.stringify(value),
  revision: 1,
  created: 1,
});
const bad = (says: RegExp) => (error: unknown) =>
  error instanceof BadRecord && says.test(error.message);

describe('every record', () => {
  for (const kind of kinds) {
    const codec = records[kind] as { encode(r: unknown): string; decode(e: unknown): unknown };
    const sample = samples[kind] as Readonly<Record<string, unknown>>;

    it(`${kind} is read as it was written`, () =>
      assert.deepEqual(
        codec.decode(entry(codec.encode(sample))),
        JSON.parse(JSON.stringify(sample)),
      ));

    it(`${kind} of another version is a fault`, () =>
      assert.throws(
        () => codec.decode(entry({ ...sample, v: 2 })),
        bad(/"\/k" is not usable: "v" must be \[1\]/),
      ));

    it(`${kind} with an unknown key is a fault, and is never written`, () => {
      assert.throws(
        () => codec.decode(entry({ ...sample, extra: 1 })),
        bad(/"extra" is not allowed/),
      );
      assert.throws(() => codec.encode({ ...sample, extra: 1 }), bad(/about to be written/));
    });

    it(`${kind} without one of its keys is a fault or still sound, never a crash`, () => {
      for (const key of Object.keys(sample)) {
        const { [key]: _, ...rest } = sample;
        try {
          codec.decode(entry(rest));
        } catch (error) {
          assert(error instanceof BadRecord);
        }
      }
    });
  }

  it('reports what does not read, and reads on', () => {
    const entries = [
      entry('{', '/1'),
      entry(samples.limit, '/2'),
      entry('null', '/3'),
      entry('7', '/4'),
    ];
    const { good, faults } = records.limit.decodeAll(entries);
    assert.deepEqual(
      good.map(({ key }) => key),
      ['/2'],
    );
    assert.deepEqual(
      faults.map(({ key }) => key),
      ['/1', '/3', '/4'],
    );
    assert.match(faults[0]!.message, /it is not JSON/);
  });

  it('converts nothing', () => {
    assert.throws(
      () => records.limit.decode(entry({ ...samples.limit, netInKbit: '1' })),
      bad(/netInKbit/),
    );
    assert.throws(() => records.admission.decode(entry({ v: 1, sequence: 1.5 })), bad(/integer/));
  });

  it('holds a pool to addresses that read', () =>
    assert.throws(
      () => records.pool.decode(entry({ ...samples.pool, cidr: '198.51.100.1/24' })),
      bad(/198\.51\.100\.0|behind the prefix/),
    ));
});

describe('the fast checks', () => {
  const name = fc.constantFrom(
    'a',
    'node-1.example.org',
    '',
    'A',
    '_x',
    '/a/b',
    '0',
    '255',
    '256',
    '01',
    'constructor',
    '__proto__',
    'x'.repeat(254),
  );
  const leaf = fc.oneof(
    fc.constantFrom<unknown>(
      0,
      1,
      -1,
      0.5,
      255,
      256,
      2 ** 53,
      '',
      'x',
      null,
      true,
      'f'.repeat(64),
      'F'.repeat(64),
      'f'.repeat(63),
      [],
      {},
    ),
    fc.nat(),
  );
  const map = fc
    .array(
      fc.tuple(
        name,
        fc.oneof(
          leaf,
          fc
            .array(fc.tuple(name, leaf), { maxLength: 2 })
            .map((pairs) => Object.fromEntries(pairs) as unknown),
        ),
      ),
      { maxLength: 3 },
    )
    .map((pairs) => Object.fromEntries(pairs) as unknown);

  /** A sound record with some of its fields replaced, left out, or added to. */
  const mutated = (sample: object) =>
    fc
      .array(fc.tuple(fc.constantFrom(...Object.keys(sample), 'extra'), fc.oneof(leaf, map, map)), {
        maxLength: 2,
      })
      .map((changes) => JSON.stringify({ ...sample, ...Object.fromEntries(changes) }));

  for (const { kind, fast } of [
    { kind: 'tally', fast: isTally },
    { kind: 'block', fast: isBlock },
    { kind: 'lease', fast: isLease },
    { kind: 'limit', fast: isLimit },
  ] as const) {
    it(`say of a ${kind} what its schema says`, () => {
      let sound = 0;
      fc.assert(
        fc.property(mutated(samples[kind]), (json) => {
          const value: unknown = JSON.parse(json);
          const fault = faultOf(schemas[kind], value);
          sound += fault === undefined ? 1 : 0;
          assert.equal(fast(value), fault === undefined, `${json}: ${fault ?? 'sound'}`);
        }),
        { numRuns: 4000 },
      );
      assert(sound > 100 && sound < 3900, `${sound} of 4000 were sound`);
    });
  }
});

describe('keys', () => {
  it('list blocks in order, up to the last of a /64, and are read back', () => {
    const ns = [0n, 9n, 10n, 2n ** 32n, 2n ** 56n - 1n];
    const spelled = ns.map((n) => keys.block('p/1', n));
    assert.deepEqual([...spelled].sort(), spelled);
    assert.deepEqual(
      spelled.map((key) => blockIn(key)),
      ns.map((n) => ({ pool: 'p/1', n })),
    );
    assert.equal(keys.block('p', 3), keys.block('p', 3n));
    assert.equal(blockIn(`${prefixes.blocks}p/x`), undefined);
    assert.equal(blockIn(`${prefixes.blocks}p`), undefined);
  });

  it('give names back, slashes and colons included', () => {
    assert.equal(nameIn(prefixes.reservations, keys.reservation('/shop/web')), '/shop/web');
    const key = keys.lease('node-1', '2001:db8::1');
    assert.deepEqual(holdingOf(prefixes.leases, key), { node: 'node-1', address: '2001:db8::1' });
    assert.equal(holdingOf(prefixes.leases, `${prefixes.leases}a/b/c`), undefined);
    assert.equal(holdingOf(prefixes.leases, `${prefixes.leases}a/%zz`), undefined);
  });
});
