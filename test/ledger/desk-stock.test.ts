import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Refusal } from '../../src/core/errors.ts';
import { poolSpace } from '../../src/core/pool.ts';
import { keys } from '../../src/ledger/keys.ts';
import { quarantinedIn } from '../../src/ledger/quarantine.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { ask, DeskBench, onEachBackend, SMALL } from './desk-bench.ts';
import { patience } from './opened.ts';

const refusal =
  (code: string, says = /./) =>
  (fault: Refusal) =>
    fault.code === code && says.test(fault.message);
const at = (last: number) => ({ pool: 'p', address: `198.51.100.${last}` });

async function withheld(store: Store): Promise<unknown> {
  const entry = await store.get(keys.pool('p'), patience());
  assert(entry);
  const record = records.pool.decode(entry);
  const pool = { name: 'p', record, space: poolSpace(record), revision: entry.revision };
  return quarantinedIn(store, pool, patience());
}

onEachBackend('the stock of a desk', (backend) => {
  it('is there for its node alone, until it is given back', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const [one, two] = [bench.desk('node-1'), bench.desk('node-2')];
    const put = await one.stock('p', 3, patience());
    assert.deepEqual(put, ['198.51.100.2', '198.51.100.3', '198.51.100.4']);
    assert.deepEqual(await one.spares(patience()), [at(2), at(3), at(4)]);
    assert.deepEqual(await two.spares(patience()), []);
    const wants = ask('x', { address: '198.51.100.3' });
    await assert.rejects(
      two.take(wants, patience()),
      refusal('address-not-given', /another node keeps it in stock/),
    );
    assert.deepEqual(await two.stock('p', 9, patience()), ['198.51.100.5', '198.51.100.6']);
    await assert.rejects(
      two.take(ask('y'), patience()),
      refusal('no-address-left', /0 held, 5 in stock/),
    );
    await one.unstock('p', ['198.51.100.3', '198.51.100.5', '198.51.100.9'], patience());
    assert.equal((await two.take(wants, patience())).address, '198.51.100.3');
    assert.deepEqual(await two.spares(patience()), [at(5), at(6)]);
    await bench.sound();
  });

  it('becomes a lease when it is named, and not otherwise', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    await desk.stock('p', 2, patience());
    assert.equal((await desk.take(ask('i1'), patience())).address, '198.51.100.4');
    const named = await desk.take(ask('i2', { address: '198.51.100.2' }), patience());
    assert.deepEqual([named.address, named.spare], ['198.51.100.2', true]);
    assert.deepEqual(await desk.spares(patience()), [at(3)]);
    await bench.sound();
  });

  it('holds no address that has not rested', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    const { address } = await desk.take(ask('i1'), patience());
    await desk.release(address, 'i1', patience());
    bench.clock.ms += 30_000;
    assert.equal((await desk.stock('p', 9, patience())).length, 4);
    assert.deepEqual(await desk.stock('p', 1, patience()), []);
    bench.clock.ms += 30_000;
    assert.deepEqual(await desk.stock('p', 1, patience()), [address]);
    await bench.sound();
  });

  it('is only of pools that the node reaches', async (t) => {
    const pools = { p: SMALL, q: { cidr: '203.0.113.0/29', nodes: { names: ['node-2'] } } };
    const bench = await DeskBench.of(t, await backend(t), pools);
    const desk = bench.desk('node-1');
    await assert.rejects(desk.stock('q', 1, patience()), refusal('pool-not-reached'));
    await assert.rejects(desk.stock('none', 1, patience()), refusal('unknown-pool', /"none"/));
    await bench.sound();
  });
});

onEachBackend('a desk adopts', (backend) => {
  it('what it holds, and keeps the name that the lease has', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    const { address } = await desk.take(ask('i1'), patience());
    const mine = await desk.adopt(ask('seen', { address, container: 'c1' }), patience());
    assert(mine.adopted);
    assert.deepEqual([mine.lease.incarnation, mine.lease.container], ['i1', 'c1']);
    const other = await desk.adopt(ask('seen2', { address, container: 'c2' }), patience());
    assert(other.adopted);
    assert.deepEqual([other.lease.incarnation, other.lease.container], ['seen2', 'c2']);
    const [lease] = await desk.leases(patience());
    assert.deepEqual(lease?.lease, other.lease);
    assert.deepEqual(await desk.release(address, 'seen2', patience()), { released: true });
    await bench.sound();
  });

  it('its stock, what is free, what cools and what is quarantined', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    const { address } = await desk.take(ask('i1'), patience());
    await desk.release(address, 'i1', patience());
    await desk.stock('p', 1, patience());
    await desk.quarantine(at(5), 'squatter', patience());
    for (const last of [2, 3, 4, 5]) {
      const adopted = await desk.adopt(ask(`c${last}`, at(last)), patience());
      assert(adopted.adopted);
    }
    assert.equal((await desk.leases(patience())).length, 4);
    assert.deepEqual(await desk.spares(patience()), []);
    await bench.sound();
  });

  it('nothing that another node holds or keeps in stock', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const [one, two] = [bench.desk('node-1'), bench.desk('node-2')];
    await one.take(ask('i1', at(2)), patience());
    await one.stock('p', 1, patience());
    const no = { adopted: false, holder: 'node-1' };
    for (const last of [2, 3])
      assert.deepEqual(await two.adopt(ask('c', at(last)), patience()), no);
    await assert.rejects(
      two.adopt(ask('c', { address: '192.0.2.1' }), patience()),
      refusal('address-not-given'),
    );
    await bench.sound();
  });
});

onEachBackend('a desk quarantines', (backend) => {
  it('a spare, a lease and a free address, and nobody gets them', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const [desk, other] = [bench.desk('node-1'), bench.desk('node-2')];
    await desk.stock('p', 1, patience());
    await desk.take(ask('i1', at(3)), patience());
    for (const last of [2, 3, 4]) await desk.quarantine(at(last), `mac ${last}`, patience());
    await desk.quarantine(at(4), 'mac 4', patience());
    assert.deepEqual(await withheld(bench.store), [
      { ...at(2), why: 'mac 2' },
      { ...at(3), why: 'mac 3' },
      { ...at(4), why: 'mac 4' },
    ]);
    assert.deepEqual([await desk.spares(patience()), await desk.leases(patience())], [[], []]);
    await assert.rejects(
      other.take(ask('x', at(3)), patience()),
      refusal('address-not-given', /quarantined \(mac 3\)/),
    );
    assert.deepEqual(await other.stock('p', 9, patience()), ['198.51.100.5', '198.51.100.6']);
    await desk.unquarantine(at(3), patience());
    await desk.unquarantine(at(3), patience());
    assert.equal((await other.take(ask('x', at(3)), patience())).address, '198.51.100.3');
    await bench.sound();
  });

  it('what another node has only once that gives it back', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const [desk, other] = [bench.desk('node-1'), bench.desk('node-2', { coolDownMs: 0 })];
    await other.take(ask('i1', at(2)), patience());
    await other.stock('p', 1, patience());
    for (const last of [2, 3]) await desk.quarantine(at(last), 'why', patience());
    assert.deepEqual(await withheld(bench.store), [
      { ...at(2), why: 'why', holder: 'node-2' },
      { ...at(3), why: 'why', holder: 'node-2' },
    ]);
    assert.deepEqual(await other.spares(patience()), [{ ...at(3), withheld: 'why' }]);
    assert.equal((await other.take(ask('i2', at(3)), patience())).spare, true);
    for (const n of [1, 2]) await other.release(`198.51.100.${n + 1}`, `i${n}`, patience());
    assert.deepEqual(await desk.stock('p', 9, patience()), [
      '198.51.100.4',
      '198.51.100.5',
      '198.51.100.6',
    ]);
    await bench.sound();
  });

  it('no address of another pool, and none of no pool', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    const no = { pool: 'none', address: '198.51.100.2' };
    await assert.rejects(desk.quarantine(no, 'x', patience()), refusal('unknown-pool'));
    await assert.rejects(desk.quarantine(at(1), 'x', patience()), refusal('address-not-in-pool'));
    await bench.sound();
  });
});
