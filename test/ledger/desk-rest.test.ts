import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { poolSpace } from '../../src/core/pool.ts';
import { readTopology as readFile } from '../../src/core/topology-read.ts';
import type { Topology } from '../../src/core/topology.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import type { Desk } from '../../src/ledger/desk.ts';
import { forgetNode, readEstate } from '../../src/ledger/forget.ts';
import { keys } from '../../src/ledger/keys.ts';
import { quarantine, quarantinedIn, unquarantine } from '../../src/ledger/quarantine.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { applyTopology, readTopology } from '../../src/ledger/topology.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { ask, type Backend, DeskBench, onEachBackend, SMALL } from './desk-bench.ts';
import { patience } from './opened.ts';

const blockRevision = async (store: Store): Promise<number> =>
  (await store.get(keys.block('p', 0), patience()))?.revision ?? 0;

/** Takes `count` addresses and gives them back. @returns them */
async function dealt(desk: Desk, count: number, name: string): Promise<string[]> {
  const grants = [];
  for (let n = 0; n < count; n++) grants.push(await desk.take(ask(`${name}${n}`), patience()));
  for (const { address, lease } of grants)
    await desk.release(address, lease.incarnation, patience());
  return grants.map(({ address }) => address);
}

/** Node-1 has one address at rest. */
async function rested(
  t: TestContext,
  backend: Backend,
): Promise<{ bench: DeskBench; one: Desk; two: Desk; address: string }> {
  const bench = await DeskBench.of(t, await backend(t), { p: SMALL });
  const [one, two] = [bench.desk('node-1'), bench.desk('node-2')];
  const [address = ''] = await dealt(one, 1, 'first');
  return { bench, one, two, address };
}

onEachBackend('what rests with a node', (backend) => {
  it('is taken and given back without a write to its block, once it has rested', async (t) => {
    const { bench, one, address } = await rested(t, backend);
    bench.clock.ms += 60_000;
    const before = await blockRevision(bench.store);
    for (let n = 0; n < 3; n++) {
      assert.deepEqual(await dealt(one, 1, `again${n}`), [address]);
      bench.clock.ms += 60_000;
    }
    assert.equal(await blockRevision(bench.store), before);
    await bench.sound();
  });

  it('is not given out before it has rested', async (t) => {
    const { bench, one, address } = await rested(t, backend);
    bench.clock.ms += 59_999;
    assert.notEqual((await one.take(ask('x'), patience())).address, address);
    await bench.sound();
  });

  it("is another's when nothing else is left, and leaves the first node's tally", async (t) => {
    const { bench, one, two, address } = await rested(t, backend);
    bench.clock.ms += 60_000;
    for (let n = 0; n < 4; n++) await two.take(ask(`two${n}`), patience());
    assert.equal((await two.take(ask('last'), patience())).address, address);
    await assert.rejects(one.take(ask('none'), patience()), { code: 'no-address-left' });
    await bench.sound();
  });

  it("is another's under pressure, before it has rested as long as is usual", async (t) => {
    const { bench, two, address } = await rested(t, backend);
    for (let n = 0; n < 4; n++) await two.take(ask(`two${n}`), patience());
    await assert.rejects(two.take(ask('soon'), patience()), { code: 'no-address-left' });
    bench.clock.ms += 30_000;
    const pressed = await two.take(ask('later'), patience());
    assert.deepEqual([pressed.address, pressed.pressed], [address, true]);
    await bench.sound();
  });

  it("is another's that names it, leased, kept in stock or adopted", async (t) => {
    const { bench, one, two, address } = await rested(t, backend);
    assert.equal((await two.take(ask('named', { address }), patience())).address, address);
    await assert.rejects(one.take(ask('mine', { address }), patience()), /node "node-2" holds it/);
    await two.release(address, 'named', patience());
    const adopted = await one.adopt(ask('runs', { address, container: 'c1' }), patience());
    assert(adopted.adopted);
    await one.release(address, 'runs', patience());
    bench.clock.ms += 60_000;
    assert.equal((await two.stock('p', 5, patience())).length, 5);
    await bench.sound();
  });

  it('is two nodes at once by no race', async (t) => {
    const { bench, one, two, address } = await rested(t, backend);
    bench.clock.ms += 60_000;
    for (let round = 0; round < 20; round++) {
      const [here, there] = await Promise.allSettled([
        one.take(ask(`a${round}`), patience()),
        two.take(ask(`b${round}`, { address }), patience()),
      ]);
      assert.equal(here.status, 'fulfilled');
      assert.deepEqual((await checkLedger(bench.store, patience())).findings, []);
      if (here.status === 'fulfilled')
        await one.release(here.value.address, `a${round}`, patience());
      if (there.status === 'fulfilled') await two.release(address, `b${round}`, patience());
      bench.clock.ms += 60_000;
    }
    await bench.sound();
  });

  it('is withheld by a quarantine at once, though its node knows nothing of it', async (t) => {
    const { bench, one, address } = await rested(t, backend);
    const { store, clock } = bench;
    const options = { clock, signal: patience() };
    clock.ms += 60_000;
    await quarantine(store, { pool: 'p', address }, 'printer', options);
    assert.notEqual((await one.take(ask('x'), patience())).address, address);
    const entry = await store.get(keys.pool('p'), patience());
    assert(entry);
    const record = records.pool.decode(entry);
    const pool = { name: 'p', record, space: poolSpace(record), revision: entry.revision };
    const withheld = { pool: 'p', address, why: 'printer' };
    assert.deepEqual(await quarantinedIn(store, pool, patience()), [withheld]);
    await unquarantine(store, { pool: 'p', address }, options);
    await bench.sound();
  });

  it('is not what was quarantined while it was leased', async (t) => {
    const { bench, one } = await rested(t, backend);
    const { store, clock } = bench;
    const { address } = await one.take(ask('held'), patience());
    await quarantine(store, { pool: 'p', address }, 'w', { clock, signal: patience() });
    await one.release(address, 'held', patience());
    clock.ms += 120_000;
    for (let n = 0; n < 4; n++)
      assert.notEqual((await one.take(ask(`x${n}`), patience())).address, address);
    await assert.rejects(one.take(ask('none'), patience()), { code: 'no-address-left' });
    await bench.sound();
  });

  it('is little where many share a block, and the rest goes back to it', async (t) => {
    const { bench, one } = await rested(t, backend);
    await dealt(one, 4, 'more');
    const entry = await bench.store.get(keys.tally('node-1'), patience());
    const { reserve } = records.tally.decode(entry!);
    assert.deepEqual(Object.keys(reserve?.['p']?.['0']?.resting ?? {}).length, 1);
    await bench.sound();
  });

  it('is in the way of no change of its pool, and of no removal of its node', async (t) => {
    const { bench, one } = await rested(t, backend);
    const { store } = bench;
    const narrow = readFile({ pools: { p: { ...SMALL, ranges: ['198.51.100.5-198.51.100.6'] } } });
    await applyTopology(store, narrow, { signal: patience() });
    assert.equal((await one.take(ask('in'), patience())).address, '198.51.100.5');
    await one.release('198.51.100.5', 'in', patience());
    await bench.sound();
    const { topology } = await readTopology(store, patience());
    const nodes = new Map([...topology.nodes].filter(([name]) => name !== 'node-1'));
    const without: Topology = { ...topology, nodes };
    await applyTopology(store, without, { signal: patience(), prune: true });
    await bench.sound();
  });

  it('goes with its node when that is forgotten', async (t) => {
    const { bench, one, two } = await rested(t, backend);
    await one.take(ask('left'), patience());
    const { store, clock } = bench;
    const deps = { store, clock, log: silentLog, signal: patience() };
    assert.equal(await forgetNode(deps, await readEstate(deps, 'node-1')), 1);
    const tally = records.tally.decode((await store.get(keys.tally('node-1'), patience()))!);
    assert.equal(tally.reserve, undefined);
    clock.ms += 60_000;
    for (let n = 0; n < 5; n++) await two.take(ask(`two${n}`), patience());
    await bench.sound();
  });
});
