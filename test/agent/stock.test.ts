import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Refusal } from '../../src/core/errors.ts';
import { besideStock } from '../../src/agent/stock-desk.ts';
import { Stock } from '../../src/agent/stock.ts';
import type { StockDeps } from '../../src/agent/stock-upkeep.ts';
import { readPool, readTopology } from '../../src/core/topology-read.ts';
import type { Desk } from '../../src/ledger/desk.ts';
import { LedgerUnreachable } from '../../src/ledger/errors.ts';
import { keys } from '../../src/ledger/keys.ts';
import { NoClassLeft } from '../../src/ledger/lease-errors.ts';
import { quarantineSpan } from '../../src/ledger/quarantine-span.ts';
import { records } from '../../src/ledger/records.ts';
import { followStarvation } from '../../src/ledger/starvation.ts';
import { applyTopology, readTopology as seenTopology } from '../../src/ledger/topology.ts';
import { type Clock, systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { ask, DeskBench } from '../ledger/desk-bench.ts';
import { opened, patience } from '../ledger/opened.ts';

/** .1 to .30 */
const POOL = { cidr: '198.51.100.0/27' };

async function until(holds: () => boolean | Promise<boolean>, what = 'it'): Promise<void> {
  const signal = AbortSignal.timeout(180_000);
  for (; !(await holds()); await wait(10)) if (signal.aborted) assert.fail(`${what} did not come`);
}

/** What a test has started, which ends before its ledger does: a failed test hangs otherwise. */
const started = new WeakMap<TestContext, Stock[]>();

async function benchOf(t: TestContext, pools: Record<string, unknown> = { p: POOL }) {
  const stocks: Stock[] = [];
  started.set(t, stocks);
  t.after(() => Promise.all(stocks.map((stock) => stock.stop())));
  return DeskBench.of(t, await opened(t), pools);
}

const real = { clock: systemClock };

/** Time stands still until it is passed over; sleeping takes the machine's. */
class SkippingClock implements Clock {
  readonly #begunMs = systemClock.now();
  #skippedMs = 0;
  now = (): number => this.#begunMs + this.#skippedMs;
  sleep = (ms: number, signal: AbortSignal): Promise<void> => systemClock.sleep(ms, signal);
  advance(ms: number): void {
    this.#skippedMs += ms;
  }
}

function stockOf(t: TestContext, desk: Desk, more: Partial<StockDeps> = {}): Stock {
  const deps = { desk, clock: systemClock, log: silentLog, holds: () => true, ...more };
  const stock = new Stock(deps);
  started.get(t)?.push(stock);
  return stock;
}

const readyOf = (stock: Stock): number => stock.ready.get('p') ?? 0;
const wants = (incarnation: string, more: Parameters<typeof ask>[1] = {}) =>
  ask(incarnation, { pool: 'p', ...more });

describe('the stock of a node', () => {
  it('is filled once its pool is asked for, and again when something was handed out', async (t) => {
    const bench = await benchOf(t);
    const desk = bench.desk('node-1', real);
    const stock = stockOf(t, desk);
    stock.checked();
    assert.equal(stock.pop(wants('i0')), undefined);
    await until(() => readyOf(stock) === 2);
    const got = stock.pop(wants('i1'));
    assert.equal(got?.prefix, 27);
    await until(async () => (await desk.leases(patience())).length === 1);
    const [held] = await desk.leases(patience());
    assert.deepEqual([held?.address, held?.lease.incarnation], [got.address, 'i1']);
    await until(() => readyOf(stock) === 2);
    await stock.stop();
    await bench.sound();
  });

  it('hands out what fits the ask, and nothing else', async (t) => {
    const bench = await benchOf(t);
    const stock = stockOf(t, bench.desk('node-1', real));
    stock.checked();
    stock.use('p');
    await until(() => readyOf(stock) === 2);
    const within = { from: '198.51.100.20', to: '198.51.100.30' };
    assert.equal(stock.pop(wants('a', { within })), undefined);
    assert.equal(stock.pop(wants('b', { network: 'other' })), undefined);
    assert.equal(stock.pop(ask('c')), undefined);
    const below = { from: '198.51.100.2', to: '198.51.100.9' };
    assert.equal(stock.pop(wants('d', { within: below }))?.address, '198.51.100.2');
    await stock.stop();
    await bench.sound();
  });

  it('is given to nobody after a start until what runs has been adopted', async (t) => {
    const bench = await benchOf(t);
    const desk = bench.desk('node-1', real);
    const [first = '', second = ''] = await desk.stock('p', 2, patience());
    const stock = stockOf(t, desk);
    stock.use('p');
    await until(() => stock.state().turns > 0);
    assert.equal(stock.pop(wants('i0')), undefined);
    const others = besideStock(desk, stock);
    await assert.rejects(
      others.take(wants('i1', { address: first }), patience()),
      (fault: Refusal) => fault.code === 'address-not-given',
    );
    assert((await others.adopt(ask('seen', { address: first }), patience())).adopted);
    stock.checked();
    await until(() => readyOf(stock) === 2);
    const given = [stock.pop(wants('i2'))?.address, stock.pop(wants('i3'))?.address];
    assert(given.includes(second));
    assert(!given.includes(first));
    await stock.stop();
    await bench.sound();
  });

  it('does not hand out what is given by other ways', async (t) => {
    const bench = await benchOf(t);
    const desk = bench.desk('node-1', real);
    const stock = stockOf(t, desk);
    stock.checked();
    stock.use('p');
    await until(() => readyOf(stock) === 2);
    const others = besideStock(desk, stock);
    await others.take(wants('i1', { address: '198.51.100.1' }), patience());
    assert.equal(stock.pop(wants('i2'))?.address, '198.51.100.2');
    await until(() => readyOf(stock) === 2);
    await others.quarantine({ pool: 'p', address: '198.51.100.3' }, 'why', patience());
    assert.notEqual(stock.pop(wants('i3'))?.address, '198.51.100.3');
    await stock.stop();
    await bench.sound();
  });

  it('writes an owner until it is written, and ends the lease of one who has left', async (t) => {
    const bench = await benchOf(t);
    const desk = bench.desk('node-1', real);
    let away = 3;
    let leaves = false;
    const flaky: Desk = Object.assign(besideStock(desk, { withdraw: () => undefined } as never), {
      take: (...args: Parameters<Desk['take']>) => {
        away -= 1;
        if (away >= 0) return Promise.reject(new LedgerUnreachable('a commit', 1));
        return desk.take(...args);
      },
    });
    const stock = stockOf(t, flaky, { holds: () => !leaves });
    stock.checked();
    stock.use('p');
    await until(() => readyOf(stock) === 2);
    const first = stock.pop(wants('i1'));
    await until(async () => (await desk.leases(patience())).length === 1);
    leaves = true;
    const second = stock.pop(wants('i2'));
    assert.notEqual(second?.address, first?.address);
    await until(
      async () =>
        !(await desk.spares(patience())).some(({ address }) => address === second?.address),
    );
    await stock.stop();
    assert.deepEqual(
      (await desk.leases(patience())).map(({ lease }) => lease.incarnation),
      ['i1'],
    );
    await bench.sound();
  });

  it('goes back when another node starves, and that one is served', async (t) => {
    const bench = await benchOf(t, { p: { cidr: '198.51.100.0/28' } });
    const desks = [bench.desk('node-1', real), bench.desk('node-2', { ...real, begMs: 120_000 })];
    const [one, two] = desks as [Desk, Desk];
    const end = new AbortController();
    t.after(() => end.abort());
    const deps = { store: bench.store, clock: systemClock, log: silentLog, node: 'node-1' };
    const starving = followStarvation(deps, () => stock.wake(), end.signal);
    const stock: Stock = stockOf(t, one, { starved: () => starving.pools() });
    stock.checked();
    stock.use('p');
    await until(() => readyOf(stock) === 2);
    for (let n = 0; n < 12; n++) await two.take(ask(`i${n}`), patience());
    const { address } = await two.take(ask('last'), patience());
    assert.match(address, /^198\.51\.100\./);
    assert.equal(readyOf(stock), 0);
    await until(async () => (await one.starvation(patience())).size === 0, 'the end of starvation');
    await stock.stop();
    await bench.sound();
  });

  it('is not more than a crowded pool can spare', async (t) => {
    const bench = await benchOf(t, { p: { cidr: '198.51.100.0/29' } });
    const desk = bench.desk('node-1', real);
    for (const n of [1, 2]) await desk.take(ask(`i${n}`), patience());
    const stock = stockOf(t, desk);
    stock.checked();
    stock.use('p');
    await until(() => readyOf(stock) === 1);
    await desk.take(ask('i3'), patience());
    await stock.stop();
    await bench.sound();
  });

  it('does not hand out what somebody was given by name while it came into stock', async (t) => {
    const bench = await benchOf(t);
    const desk = bench.desk('node-1');
    let quiet = (): void => undefined;
    const silence = new Promise<void>((resolve) => (quiet = resolve));
    const probe: StockDeps['probe'] = () => silence.then(() => ({ is: 'quiet' }) as const);
    const stock = stockOf(t, desk, { probe });
    stock.checked();
    await until(() => stock.state().turns >= 2); // it does not look at the ledger again for a while
    stock.use('p');
    const spares = async (): Promise<readonly string[]> =>
      (await desk.spares(patience())).map(({ address }) => address);
    await until(async () => (await spares()).length === 2);
    const [named = '', other = ''] = await spares();
    const given = besideStock(desk, stock).take(ask('i1', { address: named }), patience());
    assert.equal((await given).address, named);
    quiet();
    await until(() => readyOf(stock) > 0);
    const got = [stock.pop(wants('i2')), stock.pop(wants('i3'))].map((one) => one?.address);
    assert.deepEqual(got.slice(0, 1), [other]);
    assert(!got.includes(named), 'it has a holder');
    await stock.stop();
    await bench.sound();
  });

  it('passes over an address that somebody uses, and withholds it', async (t) => {
    const bench = await benchOf(t);
    const desk = bench.desk('node-1', real);
    const told: unknown[] = [];
    const stock = stockOf(t, desk, {
      probe: (_pool, address) =>
        Promise.resolve(
          address === '198.51.100.1'
            ? { is: 'squatted', mac: '02:00:00:00:00:01' }
            : { is: 'quiet' },
        ),
      squatted: (at) => told.push(at),
    });
    stock.checked();
    stock.use('p');
    await until(() => told.length === 1);
    stock.wake();
    await until(() => readyOf(stock) === 2);
    assert.deepEqual(told, [{ pool: 'p', address: '198.51.100.1', mac: '02:00:00:00:00:01' }]);
    await assert.rejects(
      desk.take(ask('x', { address: '198.51.100.1' }), patience()),
      /quarantined \(in use by 02:00:00:00:00:01\)/,
    );
    await stock.stop();
    await bench.sound();
  });

  it('is given back when it is withheld, so that its pool can be narrowed', async (t) => {
    const bench = await benchOf(t);
    const { store } = bench;
    const clock = new SkippingClock();
    const desk = bench.desk('node-1', { clock });
    const stock = stockOf(t, desk, { clock });
    stock.checked();
    stock.use('p');
    await until(() => readyOf(stock) === 2);
    const pool = { ...POOL, ranges: ['198.51.100.9-198.51.100.30'] };
    const narrow = () =>
      applyTopology(store, readTopology({ pools: { p: pool } }), { signal: patience() });
    await assert.rejects(narrow(), /leave out 2 spares: 2 of node-1/);
    const span = { pool: 'p', from: '198.51.100.1', to: '198.51.100.8', why: 'narrowing' };
    await quarantineSpan(store, span, { clock, signal: patience() });
    const got = stock.pop(wants('i1')); // the agent has not heard of it yet
    assert.equal(got?.address, '198.51.100.1');
    await until(async () => (await desk.leases(patience())).length === 1, 'the lease');
    await assert.rejects(narrow(), /leave out 1 lease: 198\.51\.100\.1/);
    await desk.release(got.address, 'i1', patience());
    await until(async () => {
      clock.advance(20_000);
      stock.wake();
      const spares = await desk.spares(patience());
      return spares.length === 2 && spares.every(({ withheld }) => withheld === undefined);
    }, 'other spares');
    await narrow();
    assert.equal(stock.state().ok, true);
    await stock.stop();
    await bench.sound();
  });

  it('is given back when no node reaches its pool, so that the pool can go', async (t) => {
    const bench = await benchOf(t, { p: POOL, q: { cidr: '203.0.113.0/28' } });
    const { store } = bench;
    const clock = new SkippingClock();
    const desk = bench.desk('node-1', { clock });
    const stock = stockOf(t, desk, { clock });
    stock.checked();
    stock.use('p');
    await until(() => readyOf(stock) === 2);
    const nobody = readTopology({ pools: { p: { ...POOL, nodes: { names: ['none'] } } } });
    await applyTopology(store, nobody, { signal: patience() });
    const got = stock.pop(wants('i1')); // the agent has not heard of it yet
    await until(async () => (await desk.leases(patience())).length === 1, 'the lease');
    await desk.release(got?.address ?? '', 'i1', patience());
    await until(async () => {
      clock.advance(20_000);
      stock.wake();
      return (await desk.spares(patience())).length === 0;
    }, 'an empty stock');
    assert.equal(stock.pop(wants('i2')), undefined);
    const { topology } = await seenTopology(store, patience());
    const rest = readTopology({
      pools: { q: { cidr: '203.0.113.0/28' } },
      networks: { prod: { pools: ['q'] } },
    });
    const wanted = { ...rest, nodes: topology.nodes };
    await applyTopology(store, wanted, { signal: patience(), prune: true });
    const turns = stock.state().turns;
    clock.advance(20_000);
    stock.wake();
    await until(() => stock.state().turns > turns);
    assert.deepEqual([stock.state().ok, [...stock.ready.keys()]], [true, []]);
    await stock.stop();
    await bench.sound();
  });

  it('stays out, and is shown, when the ledger refuses whom it was handed to', async (t) => {
    const bench = await benchOf(t);
    const { store } = bench;
    const clock = new SkippingClock();
    const desk = bench.desk('node-1', { clock });
    let runs = true;
    const stock = stockOf(t, desk, { clock, holds: () => runs });
    stock.checked();
    stock.use('p');
    await until(() => readyOf(stock) === 2);
    const say = async (pool: unknown): Promise<void> => {
      const value = records.pool.encode(readPool('p', pool));
      await store.commit({ guards: [], writes: [{ put: keys.pool('p'), value }] }, patience());
    };
    await say({ ...POOL, ranges: ['198.51.100.9-198.51.100.30'] }); // past every check
    const got = stock.pop(wants('i1'));
    assert.equal(got?.address, '198.51.100.1');
    await until(() => stock.conflicts.length > 0, 'the refusal');
    const [{ address, code } = {}] = stock.conflicts;
    assert.deepEqual([address, code], ['198.51.100.1', 'address-not-given']);
    assert.match(stock.conflicts[0]?.says ?? '', /198\.51\.100\.1 .*in no range of network "prod"/);
    const look = async (): Promise<readonly string[]> => {
      const { turns } = stock.state();
      clock.advance(20_000);
      stock.wake();
      await until(() => stock.state().turns > turns);
      return (await desk.spares(patience())).map(({ address }) => address);
    };
    await look();
    const kept = await look();
    assert(kept.includes('198.51.100.1'), 'it runs here: nobody else may get it');
    assert(!kept.includes('198.51.100.2'), 'what the pool does not hand out goes back');
    const others = besideStock(desk, stock);
    await assert.rejects(
      others.take(ask('i2', { address: '198.51.100.1' }), patience()),
      /in use without a lease/,
    );
    await assert.rejects(others.adopt(ask('c', { address: '198.51.100.1' }), patience()));
    assert((await look()).includes('198.51.100.1'));
    assert.equal(stock.conflicts.length, 1);
    runs = false;
    await look();
    assert(!(await look()).includes('198.51.100.1'), 'it ended here');
    assert.deepEqual(stock.conflicts, []);
    await stock.stop();
    await bench.sound();
  });

  it('goes back once what ran on it has ended, though its adoption was never written', async (t) => {
    const bench = await benchOf(t);
    const clock = new SkippingClock();
    const desk = bench.desk('node-1', { clock });
    const [address = ''] = await desk.stock('p', 1, patience()); // the agent before handed it out
    const stock = stockOf(t, desk, { clock, starved: () => new Set(['p']) });
    await until(() => stock.state().turns > 0);
    const adopt = () => Promise.reject(new LedgerUnreachable('a commit', 1));
    const cutOff: Desk = Object.assign(besideStock(desk, stock), { adopt });
    await assert.rejects(besideStock(cutOff, stock).adopt(ask('c', { address }), patience()));
    stock.checked();
    const isKept = async (): Promise<boolean> => {
      for (let turn = 0; turn < 2; turn += 1) {
        const { turns } = stock.state();
        clock.advance(20_000);
        stock.wake();
        await until(() => stock.state().turns > turns);
      }
      return (await desk.spares(patience())).length > 0;
    };
    const look = (steadyMs: number, ...running: string[]): void =>
      stock.looked({ running: new Set(running), steadyMs, apartMs: 60_000 });
    look(0);
    look(50_000, address);
    look(70_000);
    look(129_000);
    assert(await isKept(), 'it may have been overlooked');
    look(130_000);
    assert(!(await isKept()));
    await stock.stop();
    await bench.sound();
  });

  it('is no conflict any more once the reconcile has made a lease of it', async (t) => {
    const bench = await benchOf(t);
    const desk = bench.desk('node-1', real);
    let refuses = true;
    const stubborn: Desk = Object.assign(
      besideStock(desk, { withdraw: () => undefined } as never),
      {
        take: (...args: Parameters<Desk['take']>) =>
          refuses ? Promise.reject(new NoClassLeft('node-1', 1)) : desk.take(...args),
      },
    );
    const stock = stockOf(t, stubborn);
    stock.checked();
    stock.use('p');
    await until(() => readyOf(stock) === 2);
    const address = stock.pop(wants('i1'))?.address ?? '';
    await until(() => stock.conflicts.length === 1);
    refuses = false;
    const adopted = await besideStock(desk, stock).adopt(ask('i1', { address }), patience());
    assert(adopted.adopted);
    assert.deepEqual(stock.conflicts, []);
    await stock.stop();
    await bench.sound();
  });
});
