import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { unlessAborted } from '../../src/ledger/abort.ts';
import { LedgerUnreachable } from '../../src/ledger/errors.ts';
import type { Change, Outcome, Store } from '../../src/ledger/store.ts';
import { ask, DeskBench, emptied, SMALL, wired } from './desk-bench.ts';
import { interposed } from './interposed.ts';
import { opened, patience } from './opened.ts';

/** The signal of one who leaves when told to. */
class Leaver {
  readonly #over = new AbortController();
  readonly signal = this.#over.signal;
  leave(): void {
    this.#over.abort(new Error('the time is up'));
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const signal = patience(); !(await holds()); await wait(20)) signal.throwIfAborted();
}

/** A store whose commits can be held, or their answers, or whose answers get lost. */
class HeldStore {
  readonly store: Store;
  #holds: 'requests' | 'answers' | undefined;
  #loses = false;
  #release: (() => void)[] = [];
  #arrived: () => void = () => undefined;

  constructor(real: Store) {
    this.store = {
      get: (...args) => real.get(...args),
      range: (...args) => real.range(...args),
      watch: (...args) => real.watch(...args),
      hold: (...args) => real.hold(...args),
      close: () => real.close(),
      // like on a wire, it goes on when its sender has lost interest
      commit: (change, signal) => unlessAborted(this.#commit(real, change), signal),
    };
  }

  async #commit(real: Store, change: Change): Promise<Outcome> {
    if (this.#holds === 'requests') await this.#released();
    const outcome = await real.commit(change, patience());
    if (this.#holds === 'answers') await this.#released();
    if (this.#loses) throw new LedgerUnreachable('a commit', 1);
    return outcome;
  }

  #released(): Promise<void> {
    this.#arrived();
    return new Promise((resolve) => this.#release.push(resolve));
  }

  /** @returns what resolves once something is held */
  hold(what: 'requests' | 'answers'): Promise<void> {
    this.#holds = what;
    return new Promise((resolve) => (this.#arrived = resolve));
  }

  /** What is held stays so, but nothing else is. */
  holdNoMore(): void {
    this.#holds = undefined;
  }

  /** What is held goes on, and from now on nothing is. */
  let(): void {
    this.#holds = undefined;
    for (const release of this.#release.splice(0)) release();
  }

  lose(loses: boolean): void {
    this.#loses = loses;
  }
}

describe('a desk whose asker leaves', () => {
  for (const what of ['requests', 'answers'] as const)
    it(`undoes what was done for it, while ${what} are held`, async (t) => {
      const held = new HeldStore(await opened(t));
      const bench = await DeskBench.of(t, held.store, { p: SMALL });
      const desk = bench.desk('node-1');
      const holds = held.hold(what);
      const leaver = new Leaver();
      const left = [desk.take(ask('i1'), leaver.signal), desk.stock('p', 1, leaver.signal)];
      const stays = desk.take(ask('i2'), patience());
      await holds;
      leaver.leave();
      for (const one of left) await assert.rejects(one, /the time is up/);
      held.let();
      const { address } = await stays;
      await until(async () => (await bench.leased()).length === 1);
      await until(async () => (await desk.spares(patience())).length === 0);
      assert.deepEqual(await bench.leased(), [`node-1/${address}`]);
      await bench.sound();
    });

  it('undoes what is in doubt before it does what was asked since, however often that fails', async (t) => {
    let lost = -1;
    let since: Promise<readonly string[]> | undefined;
    const losing = interposed(await opened(t), () => {
      if (lost < 0 || lost === 2) return Promise.resolve();
      lost += 1;
      if (lost === 2) since = desk.stock('p', 1, patience()); // while the undoing is lost, too
      return Promise.reject(new LedgerUnreachable('a commit', 1));
    });
    const bench = await DeskBench.of(t, losing, { p: SMALL });
    const desk = bench.desk('node-1');
    const { address } = await desk.take(ask('i1'), patience());
    await desk.release(address, 'i1', patience()); // it rests with the node, which takes it first
    lost = 0;
    await assert.rejects(desk.stock('p', 1, patience()), LedgerUnreachable);
    await until(() => Promise.resolve(since !== undefined));
    const got = await since;
    await until(async () => (await desk.spares(patience())).length === 1);
    assert.deepEqual(
      (await desk.spares(patience())).map((spare) => spare.address),
      got,
    );
    await bench.sound();
  });

  it('lets whoever asks again under the incarnation keep it', async (t) => {
    const held = new HeldStore(await opened(t));
    const bench = await DeskBench.of(t, held.store, { p: SMALL });
    const desk = bench.desk('node-1');
    const holds = held.hold('answers');
    const leaver = new Leaver();
    const left = assert.rejects(desk.take(ask('i1'), leaver.signal), /the time is up/);
    await holds;
    leaver.leave();
    await left;
    const again = desk.take(ask('i1'), patience());
    held.let();
    const { address } = await again;
    await desk.release('198.51.100.6', 'none', patience());
    assert.deepEqual(await bench.leased(), [`node-1/${address}`]);
    await bench.sound();
  });

  it('keeps what came out of stock, for somebody may have it', async (t) => {
    const held = new HeldStore(await opened(t));
    const bench = await DeskBench.of(t, held.store, { p: SMALL });
    const desk = bench.desk('node-1');
    const [address = ''] = await desk.stock('p', 1, patience());
    const holds = held.hold('answers');
    const leaver = new Leaver();
    const left = assert.rejects(desk.take(ask('i1', { address }), leaver.signal));
    await holds;
    leaver.leave();
    await left;
    held.let();
    await desk.release('198.51.100.6', 'none', patience());
    assert.deepEqual(await bench.leased(), [`node-1/${address}`]);
    await bench.sound();
  });

  it('undoes what was done although the ledger said nothing', async (t) => {
    const held = new HeldStore(await opened(t));
    const bench = await DeskBench.of(t, held.store, { p: SMALL });
    const desk = bench.desk('node-1');
    held.lose(true);
    await assert.rejects(desk.take(ask('i1'), patience()), { code: 'ledger-unreachable' });
    assert.equal(desk.reachable(), false);
    assert.equal((await bench.leased()).length, 1);
    held.lose(false);
    await until(async () => (await bench.leased()).length === 0);
    assert.equal(desk.reachable(), true);
    await bench.sound();
  });

  it('bars a commit that arrives late, so that a release that found nothing stays true', async (t) => {
    const held = new HeldStore(await opened(t));
    const bench = await DeskBench.of(t, held.store, { p: SMALL });
    const desk = bench.desk('node-1');
    const { address } = await desk.take(ask('i0'), patience());
    await desk.release(address, 'i0', patience());
    const holds = held.hold('requests');
    const named = { address: '198.51.100.5' };
    const leaver = new Leaver();
    const left = assert.rejects(desk.take(ask('i1', named), leaver.signal));
    await holds;
    leaver.leave();
    await left;
    held.holdNoMore();
    const gone = { released: false, why: 'absent' };
    assert.deepEqual(await desk.release(named.address, 'i1', patience()), gone);
    held.let();
    await wait(50);
    assert.deepEqual(await bench.leased(), []);
    await bench.sound();
  });
});

describe('a desk on etcd behind a wire that is cut', () => {
  it('does everything exactly once', async (t) => {
    const { etcd, wire } = await wired(t);
    const bench = await DeskBench.of(t, await emptied(t, etcd, wire.url), {
      p: { cidr: '198.51.100.0/26' },
    });
    const desk = bench.desk('node-1', { coolDownMs: 0 });
    const held = new Set<string>();
    for (let round = 0; round < 40; round++) {
      wire.cutAfter(1 + ((round * 37) % 400));
      const { address } = await desk.take(ask(`i${round}`), patience());
      assert(!held.has(address));
      held.add(address);
      if (round % 3 > 0) continue;
      assert.deepEqual(await desk.release(address, `i${round}`, patience()), { released: true });
      held.delete(address);
    }
    assert(wire.cuts > 10);
    assert.deepEqual(new Set(await bench.leased()), new Set([...held].map((a) => `node-1/${a}`)));
    await bench.sound();
  });

  it('says that the ledger is away, and is all there when it is back', async (t) => {
    const { etcd, wire } = await wired(t);
    const bench = await DeskBench.of(t, await emptied(t, etcd, wire.url), { p: SMALL });
    const desk = bench.desk('node-1');
    await desk.take(ask('i0'), patience());
    wire.refuse(true);
    const leaver = new Leaver();
    const left = assert.rejects(desk.take(ask('i1'), leaver.signal), /the time is up/);
    await wait(500);
    leaver.leave();
    await left;
    assert.equal(desk.reachable(), false);
    wire.refuse(false);
    await desk.take(ask('i2'), patience());
    assert.equal(desk.reachable(), true);
    await until(async () => (await bench.leased()).length === 2);
    await bench.sound();
  });
});
