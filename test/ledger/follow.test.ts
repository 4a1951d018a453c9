import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { openEmbeddedStore } from '../../src/ledger/embedded/store.ts';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import { LedgerUnreachable } from '../../src/ledger/errors.ts';
import { follow } from '../../src/ledger/follow.ts';
import type { Follower } from '../../src/ledger/follow.ts';
import type { Batch, Entry, Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { CuttingProxy } from '../fakes/etcd-proxy.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { Etcd3 } from 'etcd3';

const never = new AbortController().signal;
const root = mkdtempSync(join(tmpdir(), 'corral-follow-'));
after(() => rmSync(root, { recursive: true }));

/** Keeps what it is told, and complains about what does not follow. */
class Mirror extends EventTarget implements Follower {
  keys = new Map<string, string>();
  resets = 0;
  revision = 0;
  /** Holds up the next telling until it resolves. */
  gate: Promise<void> | undefined;

  async reset(entries: readonly Entry[], revision: number): Promise<void> {
    await this.gate;
    assert(revision >= this.revision);
    this.keys = new Map(entries.map(({ key, value }) => [key, value]));
    this.resets += 1;
    this.revision = revision;
    this.dispatchEvent(new Event('told'));
  }

  async change({ changes, revision }: Batch): Promise<void> {
    await this.gate;
    for (const change of changes) {
      assert(change.revision > this.revision, 'told twice');
      if (change.entry) this.keys.set(change.key, change.entry.value);
      else this.keys.delete(change.key);
    }
    this.revision = revision;
    this.dispatchEvent(new Event('told'));
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this, 'told', { signal: AbortSignal.timeout(180_000) });
  }
}

const put = (key: string, value: string) => ({ guards: [], writes: [{ put: key, value }] });
const deps = { clock: systemClock, log: silentLog };

describe('follow', () => {
  let store: Store;
  let ending: AbortController;
  let mirror: Mirror;
  beforeEach(async () => {
    const directory = mkdtempSync(join(root, 'store-'));
    store = await openEmbeddedStore({ directory, ...deps, keep: { revisions: 200 } });
    ending = new AbortController();
    mirror = new Mirror();
  });
  afterEach(async () => {
    ending.abort(new Error('enough'));
    await store.close();
  });
  const start = () => follow({ store, ...deps }, '/a/', mirror, ending.signal);

  it('tells all there is, in pages of one revision, and every change after it', async () => {
    for (let page = 0; page < 100; page += 1) {
      const writes = Array.from({ length: 110 }, (_, n) => ({
        put: `/a/${page}/${n}`,
        value: '0',
      }));
      await store.commit({ guards: [], writes }, never);
    }
    const { state } = start();
    assert.deepEqual(state, { following: false, behind: true, revision: 0 });
    await store.commit(
      { guards: [], writes: [{ put: '/a/0/0', value: '1' }, { drop: '/a/99/9' }] },
      never,
    );
    await store.commit(put('/a/new', '1'), never);
    await mirror.until(() => mirror.keys.has('/a/new'));
    assert.equal(mirror.keys.size, 11_000);
    assert.equal(mirror.keys.get('/a/0/0'), '1');
    assert.equal(mirror.resets, 1);
    await mirror.until(() => state.revision === mirror.revision);
    assert.deepEqual([state.following, state.behind, state.fault], [true, false, undefined]);
  });

  it('reads all again when history went faster than the follower', async () => {
    const { state } = start();
    await store.commit(put('/a/1', '1'), never);
    await mirror.until(() => mirror.keys.has('/a/1'));
    let open = (): void => undefined;
    mirror.gate = new Promise((resolve) => (open = resolve));
    await store.commit(put('/a/2', '2'), never);
    await store.commit({ guards: [], writes: [{ drop: '/a/1' }] }, never);
    for (let n = 0; n < 500; n += 1) await store.commit(put('/elsewhere', String(n)), never);
    await store.commit(put('/a/3', '3'), never);
    open();
    await mirror.until(() => mirror.keys.has('/a/3'));
    assert.deepEqual(
      [...mirror.keys],
      [
        ['/a/2', '2'],
        ['/a/3', '3'],
      ],
    );
    assert.equal(mirror.resets, 2);
    await store.commit(put('/a/4', '4'), never);
    await mirror.until(() => mirror.keys.has('/a/4'));
    assert.equal(state.following, true);
  });

  it('ends with the reason of its signal', async () => {
    const { done, state } = start();
    await mirror.until(() => mirror.resets === 1);
    ending.abort(new Error('enough'));
    await assert.rejects(done, /enough/);
    assert.equal(state.following, false);
  });

  it('ends with a fault of the follower, even one that looks like the ledger’s', async () => {
    const fault = new LedgerUnreachable('what the follower asked', 1);
    mirror.change = () => Promise.reject(fault);
    const { done } = start();
    await mirror.until(() => mirror.resets === 1);
    await store.commit(put('/a/1', '1'), never);
    await assert.rejects(done, fault);
  });
});

describe('follow, on etcd', () => {
  it('shows that the ledger is away, and goes on without a gap when it is back, compacted or not', async () => {
    const etcd = await EtcdCluster.start();
    const wire = await CuttingProxy.to(etcd.only.port);
    const admin = new Etcd3({ hosts: etcd.urls });
    const store = openEtcdStore({ hosts: [wire.url], ...deps, callWithinMs: 1_000, pulseMs: 300 });
    const mirror = new Mirror();
    const ending = new AbortController();
    const { state, done } = follow({ store, ...deps }, '/a/', mirror, ending.signal);
    try {
      for (const compacts of [false, true]) {
        await mirror.until(() => mirror.resets > 0);
        wire.refuse(true);
        for (let n = 0; n < 20; n += 1) await admin.put(`/a/${compacts}/${n}`).value('x');
        const { header } = await admin.delete().key('/a/false/0').exec();
        if (compacts) await admin.kv.compact({ revision: Number(header.revision) });
        while (state.fault === undefined) await systemClock.sleep(20, never);
        assert.equal(state.following, false);
        wire.refuse(false);
        await mirror.until(() => mirror.keys.size === (compacts ? 39 : 19));
        while (!state.following) await systemClock.sleep(20, never);
        assert.equal(state.fault, undefined);
      }
      assert(mirror.resets >= 1);
    } finally {
      ending.abort(new Error('enough'));
      await assert.rejects(done, /enough/);
      await store.close();
      admin.close();
      await wire.close();
      await etcd.stop();
    }
  });
});
