import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { EMPTY_BLOCK, taken } from '../../src/core/block.ts';
import type { Refusal } from '../../src/core/errors.ts';
import { keeping } from '../../src/core/reserve.ts';
import { readTopology as readFile } from '../../src/core/topology-read.ts';
import type { Topology } from '../../src/core/topology.ts';
import { forgetNode, readEstate } from '../../src/ledger/forget.ts';
import { keys } from '../../src/ledger/keys.ts';
import { quarantineSpan } from '../../src/ledger/quarantine-span.ts';
import { records } from '../../src/ledger/records.ts';
import type { Store } from '../../src/ledger/store.ts';
import { applyTopology, readTopology } from '../../src/ledger/topology.ts';
import { applyWiringStep } from '../../src/ledger/topology-wiring.ts';
import { EMPTY_TALLY } from '../../src/ledger/tally.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { ask, type Backend, DeskBench, onEachBackend } from './desk-bench.ts';
import { beforeFirst } from './interposed.ts';
import { patience } from './opened.ts';

const POOLS = {
  p: { cidr: '198.51.100.0/24', ranges: ['198.51.100.1-198.51.100.20'] },
  q: { cidr: '198.51.100.0/24', ranges: ['198.51.100.40'] },
};

/** Node-1 keeps .1 and .2 in stock, node-2 keeps .3. */
async function stockedBench(t: TestContext, backend: Backend): Promise<DeskBench> {
  const bench = await DeskBench.of(t, await backend(t), POOLS);
  assert.equal((await bench.desk('node-1').stock('p', 2, patience())).length, 2);
  assert.deepEqual(await bench.desk('node-2').stock('p', 1, patience()), ['198.51.100.3']);
  return bench;
}

const bad = (says: RegExp, remedy = /./) => {
  return (fault: Refusal): boolean => {
    assert.equal(fault.code, 'bad-topology', fault.message);
    assert.match(fault.message, says);
    assert.match(fault.remedy, remedy);
    return true;
  };
};

const narrow = readFile({ pools: { p: { ...POOLS.p, ranges: ['198.51.100.3-198.51.100.20'] } } });
const narrower = readFile({ pools: { p: { ...POOLS.p, ranges: ['198.51.100.9-198.51.100.20'] } } });
const leaving = readFile({ pools: POOLS, networks: { prod: { pools: ['q'] } } });

const without = ({ topology }: { topology: Topology }, node: string): Topology => ({
  ...topology,
  nodes: new Map([...topology.nodes].filter(([name]) => name !== node)),
});

onEachBackend('stock in the way of a change', (backend) => {
  for (const { says, wanted, prune = false, fault, remedy } of [
    {
      says: 'a pool may not shrink below it',
      wanted: narrow,
      fault:
        /pool "p": the change would leave out 2 spares: 2 of node-1 \(198\.51\.100\.1, 198\.51\.100\.2\)$/,
      remedy: /corral pool quarantine add p/,
    },
    {
      says: 'a pool may not exclude it',
      wanted: readFile({ pools: { p: { ...POOLS.p, exclude: ['198.51.100.3'] } } }),
      fault: /pool "p": the change would leave out 1 spare: 1 of node-2 \(198\.51\.100\.3\)$/,
      remedy: /corral pool quarantine add p/,
    },
    {
      says: 'a pool may not move to another subnet',
      wanted: readFile({ pools: { p: { cidr: '203.0.113.0/24' } } }),
      fault: /pool "p": nodes keep of it 3 spares: 2 of node-1 \(.*\), 1 of node-2 \(/,
      remedy: /corral pool set p --node none/,
    },
    {
      says: 'a pool may not leave its network',
      wanted: leaving,
      fault: /pool "p" of network "prod": nodes keep of it 3 spares/,
      remedy: /corral pool set p --node none/,
    },
    {
      says: 'nothing at all may go',
      wanted: readFile({}),
      prune: true,
      fault: /network "prod".*pool "p".*node "node-1": it still keeps 2 spares.*node "node-2"/,
      remedy: /corral node forget node-1/,
    },
  ]) {
    it(says, async (t) => {
      const bench = await stockedBench(t, backend);
      const { store } = bench;
      const before = await store.range({ prefix: '/' }, patience());
      for (const dryRun of [true, false])
        await assert.rejects(
          applyTopology(store, wanted, { signal: patience(), prune, dryRun }),
          bad(fault, remedy),
        );
      assert.deepEqual((await store.range({ prefix: '/' }, patience())).entries, before.entries);
      await bench.sound();
    });
  }

  it('is out of it once it was given back', async (t) => {
    const bench = await stockedBench(t, backend);
    const { store, clock } = bench;
    const desk = bench.desk('node-1');
    const span = { pool: 'p', from: '198.51.100.1', to: '198.51.100.2' };
    const options = { clock, signal: patience() };
    assert.equal(await quarantineSpan(store, { ...span, why: 'narrowing' }, options), 2);
    const spares = await desk.spares(patience());
    assert.deepEqual(
      spares.map(({ withheld }) => withheld),
      ['narrowing', 'narrowing'],
    );
    await desk.unstock(
      'p',
      spares.map(({ address }) => address),
      patience(),
    );
    assert.deepEqual(await desk.stock('p', 1, patience()), ['198.51.100.4']);
    await applyTopology(store, narrow, { signal: patience() });
    await bench.sound();
  });

  it('stops the removal of a node until that is forgotten', async (t) => {
    const bench = await stockedBench(t, backend);
    const { store, clock } = bench;
    const wanted = without(await readTopology(store, patience()), 'node-1');
    const apply = () => applyTopology(store, wanted, { signal: patience(), prune: true });
    await assert.rejects(apply(), bad(/node "node-1": it still keeps 2 spares/, /node forget/));
    const deps = { store, clock, log: silentLog, signal: patience() };
    await forgetNode(deps, await readEstate(deps, 'node-1'));
    await apply();
    await bench.sound();
  });

  it('is handed out as long as it is there, though the node ceased to reach the pool', async (t) => {
    const bench = await stockedBench(t, backend);
    const { store } = bench;
    const nobody = readFile({ pools: { p: { ...POOLS.p, nodes: { names: ['none'] } } } });
    await applyTopology(store, nobody, { signal: patience() });
    const desk = bench.desk('node-1');
    assert.equal((await desk.poolNamed('p', patience()))?.reached, false);
    const mine = ask('i1', { pool: 'p', address: '198.51.100.1' });
    assert.equal((await desk.take(mine, patience())).spare, true);
    assert.equal((await desk.take(mine, patience())).address, '198.51.100.1');
    const adopted = await desk.adopt(ask('c2', { address: '198.51.100.2' }), patience());
    assert(adopted.adopted);
    for (const address of ['198.51.100.3', '198.51.100.9'])
      await assert.rejects(
        desk.take(ask(`x${address}`, { pool: 'p', address }), patience()),
        (fault: Refusal) => fault.code === 'pool-not-reached',
      );
    await bench.sound();
  });

  it('that comes right before the commit wins over it', async (t) => {
    const bench = await stockedBench(t, backend);
    const { store } = bench;
    const desk = bench.desk('node-3');
    const late = beforeFirst(store, async () => {
      await desk.stock('p', 2, patience());
    });
    const wide = readFile({
      pools: { p: { ...POOLS.p, ranges: ['198.51.100.1-198.51.100.3'] } },
    });
    const narrowed = applyTopology(late, wide, { signal: patience() });
    await assert.rejects(narrowed, bad(/leave out 2 spares: 2 of node-3 \(198\.51\.100\.4, /));
    const later = beforeFirst(store, async () => {
      await bench.desk('node-4').stock('p', 1, patience());
    });
    const wanted = without(await readTopology(store, patience()), 'node-4');
    const removed = applyTopology(later, wanted, { signal: patience(), prune: true });
    await assert.rejects(removed, bad(/node "node-4": it still keeps 1 spare/));
    const first = beforeFirst(store, async () => {
      await bench.desk('node-4').stock('q', 1, patience());
    });
    const emptied = readFile({ pools: { p: POOLS.p }, networks: { prod: { pools: ['p'] } } });
    await assert.rejects(
      applyTopology(first, emptied, { signal: patience() }),
      bad(/pool "q" of network "prod": nodes keep of it 1 spare/),
    );
    await bench.sound();
  });

  it('never ends up outside, whoever is first', async (t) => {
    for (let round = 0; round < 8; round++) {
      const bench = await DeskBench.of(t, await backend(t), POOLS);
      const { store } = bench;
      const stocks = ['node-1', 'node-2'].map((node) => bench.desk(node).stock('p', 3, patience()));
      for (let turn = 0; turn < round; turn++)
        await new Promise((resolve) => setImmediate(resolve));
      await applyTopology(store, narrower, { signal: patience() }).catch((fault: Refusal) =>
        assert(['bad-topology', 'ledger-busy'].includes(fault.code), fault.message),
      );
      await Promise.all(stocks);
      await bench.sound();
    }
  });

  it('is not swept away with the blocks that nobody has anything of', async (t) => {
    const store = await backend(t);
    const bench = await DeskBench.of(t, store, { p: { cidr: '2001:db8::/108' } });
    const full = taken(EMPTY_BLOCK, { node: 'node-1', offset: 7, nowMs: 0 });
    const tally = keeping(EMPTY_TALLY, { pool: 'p', block: 77n, offset: 7 });
    const sums = { put: keys.tally('node-1'), value: records.tally.encode(tally) };
    await store.commit({ guards: [], writes: [sums] }, patience());
    for (let n = 0n; n < 120n; n += 40n)
      await store.commit(
        {
          guards: [],
          writes: Array.from({ length: 40 }, (_, at) => ({
            put: keys.block('p', n + BigInt(at)),
            value: records.block.encode(n + BigInt(at) === 77n ? full : EMPTY_BLOCK),
          })),
        },
        patience(),
      );
    const { topology } = await readTopology(store, patience());
    const before = topology.networks.get('prod');
    const drop = { do: 'drop', kind: 'network', name: 'prod', before: before! } as const;
    await assert.rejects(
      applyWiringStep(store, drop, { signal: patience() }),
      bad(/1 spare: 1 of node-1 \(2001:db8::4d07\)/),
    );
    const desk = bench.desk('node-1');
    assert.deepEqual(await desk.spares(patience()), [{ pool: 'p', address: '2001:db8::4d07' }]);
    await desk.unstock('p', ['2001:db8::4d07'], patience());
    const gone = { ...topology, networks: new Map(), pools: new Map() };
    await applyTopology(store, gone, { signal: patience(), prune: true });
    await bench.sound();
  });
});
