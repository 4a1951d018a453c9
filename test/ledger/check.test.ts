import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { taken } from '../../src/core/block.ts';
import type { BlockRecord, TallyRecord } from '../../src/core/lease-record.ts';
import { keeping, laidToRest } from '../../src/core/reserve.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { ask, DeskBench, SMALL } from './desk-bench.ts';
import { opened, patience } from './opened.ts';

/** node-1 holds .2, keeps .3 and .4 in stock, and .5 is quarantined. */
async function furnished(t: TestContext): Promise<Store> {
  const store = await opened(t);
  const bench = await DeskBench.of(t, store, { p: SMALL });
  const desk = bench.desk('node-1');
  await desk.take(ask('i1', { app: '/a' }), patience());
  await desk.stock('p', 2, patience());
  await desk.quarantine({ pool: 'p', address: '198.51.100.5' }, 'squatter', patience());
  await bench.sound();
  return store;
}

const put = async (store: Store, key: string, value: string): Promise<unknown> =>
  store.commit({ guards: [], writes: [{ put: key, value }] }, patience());
const drop = async (store: Store, key: string): Promise<unknown> =>
  store.commit({ guards: [], writes: [{ drop: key }] }, patience());

async function reblock(store: Store, change: (block: BlockRecord) => BlockRecord): Promise<void> {
  const entry = await store.get(keys.block('p', 0), patience());
  assert(entry);
  await put(store, entry.key, records.block.encode(change(records.block.decode(entry))));
}

async function retally(store: Store, change: (tally: TallyRecord) => TallyRecord): Promise<void> {
  const entry = await store.get(keys.tally('node-1'), patience());
  assert(entry);
  await put(store, entry.key, records.tally.encode(change(records.tally.decode(entry))));
}

const offset = (last: number) => ({ pool: 'p', block: 0n, offset: last });

const [lease, limit, tally] = [
  keys.lease('node-1', '198.51.100.2'),
  keys.limit('node-1', '198.51.100.2'),
  keys.tally('node-1'),
];

describe('checkLedger finds', () => {
  for (const { says, harm, finds } of [
    {
      says: 'a held bit without a lease',
      harm: (store: Store) =>
        reblock(store, (block) => taken(block, { node: 'node-1', offset: 6, nowMs: 0 })),
      finds: [/198.51.100.6 is held by "node-1" without a lease/],
    },
    {
      says: 'a lease without a bit, and sums that are no longer right',
      harm: (store: Store) => reblock(store, (block) => ({ ...block, held: {} })),
      finds: [
        /198.51.100.3 is in reserve, but no block/,
        /198.51.100.4 is in reserve, but no block/,
        /no block of pool "p" says that "node-1" holds it/,
      ],
    },
    {
      says: 'an address that is held twice',
      harm: (store: Store) =>
        reblock(store, (block) => taken(block, { node: 'node-2', offset: 2, nowMs: 0 })),
      finds: [
        /198.51.100.2 is held by "node-2" and held by "node-1"/,
        /198.51.100.2 is held by "node-2" without a lease/,
      ],
    },
    {
      says: 'an address in two stocks',
      harm: (store: Store) =>
        reblock(store, (block) => taken(block, { node: 'node-2', offset: 3, nowMs: 0 })),
      finds: [
        /198.51.100.3 is held by "node-2" and kept in stock by "node-1"/,
        /198.51.100.3 is held by "node-2" without a lease/,
      ],
    },
    {
      says: 'an address that is leased and in stock',
      harm: (store: Store) => retally(store, (sums) => keeping(sums, offset(2))),
      finds: [/198.51.100.2 is kept in stock by "node-1", which leases it too/],
    },
    {
      says: 'stock outside its pool',
      harm: async (store: Store) => {
        await reblock(store, (block) => taken(block, { node: 'node-1', offset: 7, nowMs: 0 }));
        await retally(store, (sums) => keeping(sums, offset(7)));
      },
      finds: [/198.51.100.7 is kept in stock by "node-1" outside pool "p"/],
    },
    {
      says: 'what is at rest with a node that leases it',
      harm: (store: Store) => retally(store, (sums) => laidToRest(sums, offset(2), 0)),
      finds: [/198.51.100.2 is at rest with "node-1", which leases it too/],
    },
    {
      says: 'a reserve that no block bears out',
      harm: (store: Store) => retally(store, (sums) => laidToRest(sums, offset(6), 0)),
      finds: [/198.51.100.6 is in reserve, but no block says that it is "node-1"'s/],
    },
    {
      says: 'a reserve of a pool that is not there',
      harm: (store: Store) =>
        retally(store, (sums) => laidToRest(sums, { ...offset(6), pool: 'gone' }, 0)),
      finds: [/pool "gone", of which it has a reserve, does not exist/],
    },
    {
      says: 'leases and stock of a node that is not there',
      harm: (store: Store) => drop(store, keys.node('node-1')),
      finds: [
        /198.51.100.2 is held by "node-1", which is not/,
        /198.51.100.3 is kept in stock by "node-1", which is not/,
        /198.51.100.4 is kept in stock by "node-1", which is not/,
        /^node "node-1" is not in the ledger/,
      ],
    },
    {
      says: 'a lease without a limit',
      harm: (store: Store) => drop(store, limit),
      finds: [/the lease has no limit/],
    },
    {
      says: 'what is left of a lease',
      harm: (store: Store) => drop(store, lease),
      finds: [/held by "node-1" without a lease/, /the limit has no lease/, /sum to/],
    },
    {
      says: 'a tally that is not the sum',
      harm: (store: Store) => drop(store, tally),
      finds: [/held by/, /held by/, /it says .* but the leases of "node-1" sum to/],
    },
    {
      says: 'a record that does not read',
      harm: (store: Store) => put(store, keys.block('p', 1), '{'),
      finds: [/it is not JSON/],
    },
  ]) {
    it(says, async (t) => {
      const store = await furnished(t);
      await harm(store);
      const { findings } = await checkLedger(store, patience());
      assert.equal(findings.length, finds.length, JSON.stringify(findings));
      finds.forEach((pattern, at) => assert.match(findings[at]?.says ?? '', pattern));
    });
  }
});
