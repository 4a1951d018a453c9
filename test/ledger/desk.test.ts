import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Refusal } from '../../src/core/errors.ts';
import type { Desk } from '../../src/ledger/desk.ts';
import { keys } from '../../src/ledger/keys.ts';
import { records } from '../../src/ledger/records.ts';
import type { Change, Store } from '../../src/ledger/store.ts';
import { ask, DeskBench, onEachBackend, SMALL } from './desk-bench.ts';
import { patience } from './opened.ts';

const refusal =
  (code: string, says = /./) =>
  (fault: Refusal) =>
    fault.code === code && says.test(fault.message);

/** The same store, and what it was asked. */
function watched(store: Store): { store: Store; asked: string[]; commits: Change[] } {
  const asked: string[] = [];
  const commits: Change[] = [];
  const seen = Object.assign(Object.create(store) as Store, {
    get: (key: string, signal: AbortSignal) => (asked.push(`get ${key}`), store.get(key, signal)),
    range: (...args: Parameters<Store['range']>) => (asked.push('range'), store.range(...args)),
    commit: (change: Change, signal: AbortSignal) => {
      asked.push('commit');
      commits.push(change);
      return store.commit(change, signal);
    },
  });
  return { store: seen, asked, commits };
}

onEachBackend('a desk', (backend) => {
  it('takes, completes and releases, and the sums are right', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    const grant = await desk.take(ask('i1', { bootId: 'b1', netInKbit: 100 }), patience());
    assert.equal(grant.address, '198.51.100.2');
    assert.deepEqual([grant.pool, grant.prefix, grant.gateway], ['p', 29, '198.51.100.1']);
    assert.equal(grant.limit.netInKbit, 100);
    const who = { container: 'c', mac: '02:42:c6:33:64:02', app: '/a', task: 't', startedMs: 9 };
    const more = { ...who, netOutKbit: 7 };
    const done = { address: grant.address, incarnation: 'i1', ...more };
    assert.equal(await desk.complete(done, patience()), 'done');
    const [held] = await desk.leases(patience());
    assert.deepEqual(held?.lease, {
      ...grant.lease,
      ...who,
      asked: { netInKbit: 100, netOutKbit: 7 },
      counted: { netInKbit: 100, netOutKbit: 7, classMinor: 256 },
    });
    assert.deepEqual(held.limit, { v: 1, netInKbit: 100, netOutKbit: 7, classMinor: 256 });
    await bench.sound();
    const again = bench.desk('node-1');
    assert.deepEqual(await again.release(grant.address, 'i1', patience()), { released: true });
    assert.deepEqual(await again.leases(patience()), []);
    await bench.sound();
  });

  it('costs one commit and nothing else once it is warm', async (t) => {
    const real = await backend(t);
    const { store, asked } = watched(real);
    const bench = await DeskBench.of(t, store, { p: { cidr: '198.51.100.0/24' } });
    const desk = bench.desk('node-1');
    await desk.take(ask('i1'), patience());
    asked.length = 0;
    const { address } = await desk.take(ask('i2'), patience());
    await desk.complete({ address, incarnation: 'i2', container: 'c2' }, patience());
    await desk.release(address, 'i2', patience());
    await desk.stock('p', 1, patience()).catch(() => undefined);
    assert.deepEqual(
      asked.filter((one) => !one.startsWith('range')),
      ['commit', 'commit', 'commit', 'commit'],
    );
    await bench.sound();
  });

  it('shares one commit among those who wait together', async (t) => {
    const { store, commits } = watched(await backend(t));
    const bench = await DeskBench.of(t, store, { p: { cidr: '198.51.100.0/24' } });
    const desk = bench.desk('node-1');
    await desk.take(ask('warm'), patience());
    commits.length = 0;
    const many = Array.from({ length: 40 }, (_, n) => desk.take(ask(`i${n}`), patience()));
    const addresses = (await Promise.all(many)).map(({ address }) => address);
    assert.equal(new Set(addresses).size, 40);
    assert.equal(commits.length, 1);
    await bench.sound();
  });

  it('goes in the order of calling', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    const address = '198.51.100.4';
    const answers = await Promise.all([
      desk.take(ask('i1', { address }), patience()).then((grant) => grant.lease.incarnation),
      desk.release(address, 'i1', patience()),
      desk.take(ask('i2', { address }), patience()).then((grant) => grant.lease.incarnation),
      desk.release(address, 'i1', patience()),
      desk.complete({ address, incarnation: 'i1', mac: 'x' }, patience()),
      desk.complete({ address, incarnation: 'i2', mac: 'y' }, patience()),
    ]);
    assert.deepEqual(answers, [
      'i1',
      { released: true },
      'i2',
      { released: false, why: 'other', incarnation: 'i2' },
      'other',
      'done',
    ]);
    await bench.sound();
  });

  it('gives one incarnation one address, however often it asks', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desks = [bench.desk('node-1'), bench.desk('node-1')];
    const grants = await Promise.all(
      Array.from({ length: 8 }, (_, n) => (desks[n % 2] as Desk).take(ask('i1'), patience())),
    );
    assert.equal(new Set(grants.map(({ address }) => address)).size, 1);
    assert.equal((await bench.leased()).length, 1);
    await bench.sound();
  });

  it('refuses one asker and serves the others of the same commit', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    const answers = await Promise.allSettled([
      desk.take(ask('i1'), patience()),
      desk.take(ask('i2', { network: 'none' }), patience()),
      desk.take(ask('i3', { netInKbit: -1 }), patience()),
      desk.take(ask('i4', { address: 'x' }), patience()),
      desk.take(ask('i5'), patience()),
    ]);
    const codes = answers.map((one) =>
      one.status === 'fulfilled' ? one.value.address : (one.reason as Refusal).code,
    );
    const expected = ['unknown-network', 'bad-record', 'bad-address'];
    assert.deepEqual(codes, ['198.51.100.2', ...expected, '198.51.100.3']);
    await bench.sound();
  });

  it('says no on fresh reads only', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const [one, two] = [bench.desk('node-1'), bench.desk('node-2', { coolDownMs: 0 })];
    await two.take(ask('a'), patience());
    for (const n of [1, 2, 3, 4]) await one.take(ask(`i${n}`), patience());
    await assert.rejects(
      one.take(ask('i5'), patience()),
      refusal('no-address-left', /5 addresses: 5 held, 0 in stock, 0 cooling, 0 quarantined/),
    );
    await two.release('198.51.100.2', 'a', patience());
    assert.equal((await one.take(ask('i5'), patience())).address, '198.51.100.2');
    await bench.sound();
  });

  it('sees what an operator did to its node meanwhile', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    const { address } = await desk.take(ask('i1'), patience());
    await bench.desk('node-1').release(address, 'i1', patience());
    const gone = { released: false, why: 'absent' };
    assert.deepEqual(await desk.release(address, 'i1', patience()), gone);
    assert.notEqual((await desk.take(ask('i1'), patience())).address, address);
    await bench.sound();
  });

  it('gives nothing new while the ledger is being rebuilt, save what is in stock', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    const [address] = await desk.stock('p', 1, patience());
    await bench.store.commit(
      { guards: [], writes: [{ put: keys.rebuilding, value: '{}' }] },
      patience(),
    );
    await assert.rejects(desk.take(ask('i1'), patience()), refusal('ledger-rebuilding'));
    await assert.rejects(desk.stock('p', 1, patience()), refusal('ledger-rebuilding'));
    const grant = await desk.take(ask('i1', { address: address ?? '' }), patience());
    assert.deepEqual([grant.address, grant.spare], [address, true]);
    const adopted = await desk.adopt(ask('i2', { address: '198.51.100.6' }), patience());
    assert(adopted.adopted);
    await bench.sound();
  });

  it('leaves a limit to the person who set it', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    const { address } = await desk.take(ask('i1', { netInKbit: 10 }), patience());
    const key = keys.limit('node-1', address);
    const wish = { v: 1, netInKbit: 99, netOutKbit: 0, classMinor: 256, edit: 'e1' } as const;
    await bench.store.commit(
      { guards: [], writes: [{ put: key, value: records.limit.encode(wish) }] },
      patience(),
    );
    await desk.complete({ address, incarnation: 'i1', netInKbit: 20 }, patience());
    const [held] = await desk.leases(patience());
    assert.deepEqual(held?.limit, wish);
    assert.deepEqual(held.lease.asked, { netInKbit: 20 });
    assert.equal(held.lease.counted?.netInKbit, 10);
  });

  it('answers what it is asked about pools and networks', async (t) => {
    const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
    const desk = bench.desk('node-1');
    assert.deepEqual(await desk.networks(patience()), ['prod']);
    assert.deepEqual(
      (await desk.pools('prod', patience())).map(({ name, space }) => [name, space.size]),
      [['p', 5n]],
    );
    await assert.rejects(desk.pools('none', patience()), refusal('unknown-network'));
    assert.equal((await desk.poolNamed('p', patience()))?.network, 'prod');
    assert.equal(await desk.poolNamed('q', patience()), undefined);
    assert.equal(desk.reachable(), true);
    await desk.close();
    await assert.rejects(desk.take(ask('i1'), patience()), refusal('ledger-closed'));
  });
});
