import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { aborted } from '../../src/ledger/abort.ts';
import { isLed, lead, stillLeads, TRUST_MS } from '../../src/ledger/election.ts';
import type { Term } from '../../src/ledger/election.ts';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import { keys } from '../../src/ledger/keys.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { CuttingProxy } from '../fakes/etcd-proxy.ts';
import { EtcdCluster } from '../fakes/etcd.ts';

const never = new AbortController().signal;
const deps = { clock: systemClock, log: silentLog };
/** Long enough to outlast a machine that stands still for some seconds. */
const terms = { name: 'fence', ttlMs: 10_000 };

/** Notes who leads, and that never two do. */
class Watcher extends EventTarget {
  readonly leading = new Set<string>();
  readonly history: { name: string; term: Term }[] = [];

  work(name: string): (signal: AbortSignal, term: Term) => Promise<void> {
    return async (signal, term) => {
      assert.deepEqual([...this.leading], [], `${name} leads beside another`);
      this.leading.add(name);
      this.history.push({ name, term });
      this.dispatchEvent(new Event('elected'));
      await aborted(signal);
      this.leading.delete(name);
    };
  }

  async elected(count: number): Promise<void> {
    const signal = AbortSignal.timeout(180_000);
    while (this.history.length < count)
      await new Promise<void>((resolve, reject) => {
        this.addEventListener('elected', () => resolve(), { once: true });
        signal.addEventListener('abort', () => reject(new Error('nobody was elected')));
      });
  }
}

describe('lead, on one etcd', () => {
  let etcd: EtcdCluster;
  const wires: CuttingProxy[] = [];
  const stores: Store[] = [];
  before(async () => {
    etcd = await EtcdCluster.start();
    for (let n = 0; n < 2; n += 1) {
      const wire = await CuttingProxy.to(etcd.only.port);
      wires.push(wire);
      stores.push(openEtcdStore({ hosts: [wire.url], ...deps, callWithinMs: 60_000 }));
    }
  });
  after(async () => {
    for (const store of stores) await store.close();
    for (const wire of wires) await wire.close();
    await etcd.stop();
  });

  it('hands over when the leader is cut off, never to two at once, and fences the old one', async () => {
    const watcher = new Watcher();
    const ending = new AbortController();
    const contenders = stores.map((store, n) =>
      lead(
        { store, ...deps },
        { ...terms, candidate: `c${n}` },
        watcher.work(`c${n}`),
        ending.signal,
      ),
    );
    const rejected = contenders.map((one) => assert.rejects(one, /enough/));
    await watcher.elected(1);
    const first = watcher.history[0] as { name: string; term: Term };
    const at = Number(first.name.slice(1));
    assert.equal((await stores[at]?.get(keys.election('fence'), never))?.value, first.name);
    wires[at]?.hold();
    await watcher.elected(2);
    const second = watcher.history[1] as { name: string; term: Term };
    assert.notEqual(second.name, first.name);
    assert(second.term.revision > first.term.revision);
    wires[at]?.release();
    const late = { guards: [first.term.fence], writes: [{ put: '/late', value: '' }] };
    assert.equal((await (stores[at] as Store).commit(late, never)).won, false);
    const fenced = { guards: [second.term.fence], writes: [{ put: '/now', value: '' }] };
    assert.equal((await (stores[1 - at] as Store).commit(fenced, never)).won, true);
    ending.abort(new Error('enough'));
    await Promise.all(rejected);
    // at once, or once the term is over where the ledger was too busy to hear of its end
    while ((await stores[0]?.get(keys.election('fence'), never)) !== undefined)
      await systemClock.sleep(50, never);
  });
});

describe('lead', () => {
  const root = mkdtempSync(join(tmpdir(), 'corral-election-'));
  let store: Store;
  before(async () => {
    store = await openEmbeddedStore({ directory: root, ...deps });
  });
  after(async () => {
    await store.close();
    rmSync(root, { recursive: true });
  });

  it('lets contenders work one after another, each in a term of its own', async () => {
    const watcher = new Watcher();
    const enders = Array.from({ length: 5 }, () => new AbortController());
    const contenders = enders.map((ender, n) =>
      lead(
        { store, ...deps },
        { ...terms, name: 'turns' },
        watcher.work(String(n)),
        ender.signal,
      ).catch((fault: unknown) => fault),
    );
    for (let turn = 1; turn <= 5; turn += 1) {
      await watcher.elected(turn);
      enders[Number(watcher.history.at(-1)?.name)]?.abort(new Error('next'));
    }
    await Promise.all(contenders);
    const revisions = watcher.history.map(({ term }) => term.revision);
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].sort((a, b) => a - b),
    );
    assert.equal(new Set(watcher.history.map(({ name }) => name)).size, 5);
  });

  it('returns when the work returns, and throws what it throws', async () => {
    const options = { ...terms, name: 'returns' };
    await lead({ store, ...deps }, options, () => Promise.resolve(), never);
    const failing = () => Promise.reject(new Error('no luck'));
    await assert.rejects(lead({ store, ...deps }, options, failing, never), /no luck/);
    assert.equal(await store.get(keys.election('returns'), never), undefined);
  });

  it('is known to last, by whoever did not stand still while asking', async () => {
    const name = 'lasting';
    const key = keys.election(name);
    const elect = async (): Promise<Term> => {
      const put = { put: key, value: '' };
      const { revision } = await store.commit({ guards: [], writes: [put] }, never);
      return { revision, fence: { key, revision } };
    };
    assert.equal(await isLed(store, name, never), false);
    const term = await elect();
    assert.equal(await isLed(store, name, never), true);
    const asked = (tookMs: number): Promise<boolean> => {
      const times = [0, tookMs];
      return stillLeads({ store, steadyMs: () => times.shift() ?? NaN }, term, never);
    };
    assert.deepEqual([await asked(0), await asked(TRUST_MS - 1)], [true, true]);
    assert.equal(await asked(TRUST_MS), false, 'the answer is too old');
    await elect();
    assert.equal(await asked(0), false, 'another leads');
    await store.commit({ guards: [], writes: [{ drop: key }] }, never);
    assert.equal(await asked(0), false, 'nobody leads');
    await assert.rejects(stillLeads({ store, steadyMs: () => 0 }, term, AbortSignal.abort()));
  });

  it('ends at once while it waits for another', async () => {
    const options = { ...terms, name: 'waits' };
    const first = new AbortController();
    const second = new AbortController();
    const watcher = new Watcher();
    const leads = lead({ store, ...deps }, options, watcher.work('first'), first.signal);
    await watcher.elected(1);
    const waits = lead({ store, ...deps }, options, watcher.work('second'), second.signal);
    second.abort(new Error('enough'));
    await assert.rejects(waits, /enough/);
    first.abort(new Error('enough'));
    await assert.rejects(leads, /enough/);
    assert.equal(watcher.history.length, 1);
  });
});
