import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { Etcd3 } from 'etcd3';
import { Calls } from '../../src/ledger/etcd/calls.ts';
import { connectEtcd } from '../../src/ledger/etcd/client.ts';
import { MARKS } from '../../src/ledger/etcd/keys.ts';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import type { EtcdOptions } from '../../src/ledger/etcd/store.ts';
import { WatchStream } from '../../src/ledger/etcd/stream.ts';
import { Compacted, LedgerRefused, LedgerUnreachable } from '../../src/ledger/errors.ts';
import type { Batch, Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { listed, watched } from '../contract/store.ts';
import { CuttingProxy } from '../fakes/etcd-proxy.ts';
import { EtcdCluster } from '../fakes/etcd.ts';

/** The defects of etcd3 1.1.2 that we know of, by their numbers in our notes (src/ledger/etcd/README.md). */
const never = new AbortController().signal;
const soon = (): AbortSignal => AbortSignal.timeout(180_000);
const put = (key: string, value: string) => ({ guards: [], writes: [{ put: key, value }] });
const create = (key: string) => ({
  guards: [{ key, revision: 0 }],
  writes: [{ put: key, value: 'x' }],
});

let etcd: EtcdCluster;
let wire: CuttingProxy;
let other: CuttingProxy;
let admin: Etcd3;
before(async () => {
  etcd = await EtcdCluster.start();
  wire = await CuttingProxy.to(etcd.only.port);
  other = await CuttingProxy.to(etcd.only.port);
  admin = new Etcd3({ hosts: etcd.urls });
});
after(async () => {
  admin.close();
  await wire.close();
  await other.close();
  await etcd.stop();
});

/** A store for one test, closed after it. */
async function using(
  options: Partial<EtcdOptions>,
  work: (store: Store) => Promise<void>,
): Promise<void> {
  const base = { hosts: [wire.url], clock: systemClock, log: silentLog, callWithinMs: 120_000 };
  const store = openEtcdStore({ ...base, ...options });
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

const sources = readdirSync('src/ledger/etcd')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join('src/ledger/etcd', file), 'utf8'))
  .join('\n');

describe('etcd3 defects: watches', () => {
  it('1: resumes by the events seen, not by the revision of the header', async () => {
    await using({}, async (store) => {
      const { revision } = await store.commit(put('/1/first', ''), soon());
      // etcd tells at most 1,000 revisions at once: the wire is cut in the second of three answers.
      const write = async (writer: number) => {
        for (let n = 0; n < 60; n += 1)
          await store.commit(put(`/1/${writer}/${n}`, 'x'.repeat(300)), soon());
      };
      await Promise.all(Array.from({ length: 50 }, (_, writer) => write(writer)));
      const cuts = wire.cuts;
      wire.cutAfter(600_000);
      const from = { prefix: '/1/', after: revision };
      const { changes } = await watched(store, from, (seen) => seen.length >= 3_000);
      assert.equal(new Set(changes.map(({ key }) => key)).size, 3_000);
      assert.equal(changes.length, 3_000);
      assert(wire.cuts > cuts, 'the wire was never cut');
    });
  });

  it('2: a compacted watch says so, kills neither the process nor the watches beside it', async () => {
    await using({}, async (store) => {
      const { revision } = await store.commit(put('/2/a', '1'), soon());
      const last = await store.commit(put('/2/a', '2'), soon());
      const beside = watched(
        store,
        { prefix: '/2/', after: last.revision },
        (seen) => seen.length > 0,
      );
      await admin.kv.compact({ revision: last.revision });
      await assert.rejects(
        watched(store, { prefix: '/2/', after: revision - 1 }, () => false),
        Compacted,
      );
      await store.commit(put('/2/a', '3'), soon());
      assert.equal((await beside).changes[0]?.entry?.value, '3');
    });
  });

  it('3: a watch on a member that hangs moves to another', async () => {
    await using({ hosts: [wire.url, other.url], pulseMs: 200 }, async (store) => {
      const { revision } = await store.commit(put('/3/a', '0'), soon());
      const turns = store.watch('/3/', revision, soon())[Symbol.asyncIterator]();
      let next = turns.next();
      await admin.put('/3/a').value('1');
      assert.equal(((await next).value as Batch).changes[0]?.entry?.value, '1');
      for (const hung of [wire, other, wire]) {
        next = turns.next();
        hung.hold();
        await admin.put('/3/a').value('2');
        assert.equal(((await next).value as Batch).changes[0]?.entry?.value, '2');
        hung.release();
      }
      await turns.return?.();
    });
  });

  it('3: a watch on a member that is cut off from the others is given up', async () => {
    const client = connectEtcd({ hosts: etcd.urls }, systemClock);
    const deps = { client, clock: systemClock, calls: new Calls(systemClock, 1_000) };
    const place = {
      prefix: '/3/',
      after: 0 + Number((await admin.put('/3/b').value('')).header.revision),
      withinMs: 120_000,
    };
    const stream = await WatchStream.open(deps, place, soon());
    const ended = assert.rejects(stream.next(soon()), /silent or behind/);
    // The member answers, but never gets to the revision that the cluster is at.
    for (let beat = 0; beat < 4; beat += 1) stream.beat(1_000_000_000);
    await ended;
    const healthy = await WatchStream.open(deps, place, soon());
    const next = healthy.next(soon());
    for (let beat = 0; beat < 6; beat += 1) {
      const { header } = await admin.put('/elsewhere').value('');
      healthy.beat(Number(header.revision));
      await systemClock.sleep(500, soon()); // a fourth of what lies between two in real life
    }
    await admin.put('/3/b').value('still on');
    assert.equal((await next).changes[0]?.entry?.value, 'still on');
    healthy.close();
    client.close();
  });
});

describe('etcd3 defects: leases, members, connections', () => {
  it('5: "lost" fires while etcd still has the keys', async () => {
    await using({}, async (store) => {
      const isFirst = async (key: string): Promise<boolean> => {
        const holding = await store.hold(3_000, soon());
        const writes = [{ put: key, value: '', holding }];
        await store.commit({ guards: [], writes }, soon());
        wire.hold();
        if (!holding.lost.aborted) await once(holding.lost, 'abort');
        const has = (await admin.get(key).buffer()) !== null;
        wire.release();
        return has;
      };
      // what is asked of etcd here reaches it within the second's margin, unless the machine stands still
      for (let tries = 1; !(await isFirst(`/5/${tries}`)); tries += 1)
        assert(tries < 5, 'etcd had dropped the key each time');
    });
  });

  it('6: no lock and no election of the client is used (ours are fenced, election.test.ts)', () => {
    assert.doesNotMatch(sources, /\.(lock|election|lease|stm)\(/);
  });

  it('7: a host that takes connections and never answers costs no more than the deadline', async () => {
    const silent = await CuttingProxy.to(etcd.only.port);
    silent.hold();
    await using({ hosts: [silent.url], callWithinMs: 1_500 }, async (store) => {
      await assert.rejects(store.get('/7', soon()), (fault) => {
        assert(fault instanceof LedgerUnreachable);
        assert.equal(fault.message, 'the ledger did not answer "/7" within 1500 ms');
        return true;
      });
    });
    await using({ hosts: [silent.url, etcd.only.url] }, async (store) => {
      for (let n = 0; n < 8; n += 1) await store.get('/7', soon());
      assert.equal((await store.commit(create('/7'), soon())).won, true);
    });
    await silent.close();
  });

  it('8: Role.revoke, which grants when given a list, is never called', () => {
    assert.doesNotMatch(sources, /\.(role|user|revoke)\(/);
  });

  it('9: the burst of faults when a connection breaks under 64 callers reaches none of them', async () => {
    await using({}, async (store) => {
      for (let round = 0; round < 5; round += 1) {
        const keys = Array.from({ length: 64 }, (_, n) => `/9/${round}/${n}`);
        const all = keys.map((key) => store.commit(create(key), soon()));
        wire.cut();
        assert((await Promise.all(all)).every(({ won }) => won));
      }
      assert.equal((await listed(store, '/9/')).length, 320);
    });
  });

  it('11: rpc.proto is found in the package, beside the compiled client', () => {
    const main = createRequire(import.meta.url).resolve('etcd3');
    assert(existsSync(join(dirname(main), '..', 'proto', 'rpc.proto')));
  });

  it('12: TLS to a member by its name works, and warns of nothing', async () => {
    const secure = await EtcdCluster.start(1, { tls: true });
    const warnings: Error[] = [];
    const warned = (warning: Error) => warnings.push(warning);
    process.on('warning', warned);
    const rootCertificate = readFileSync(secure.only.certificate);
    const hosts = { hosts: secure.urls, credentials: { rootCertificate } };
    await using({ ...hosts, callWithinMs: 120_000 }, async (store) => {
      assert.equal((await store.commit(create('/12'), soon())).won, true);
    });
    process.off('warning', warned);
    await secure.stop();
    assert.deepEqual(warnings, []);
  });
});

describe('etcd3: a commit whose answer is lost', () => {
  it('is found again by its mark: won once, in one revision', async () => {
    await using({}, async (store) => {
      await store.commit(create('/lost/first'), soon());
      for (let n = 0; n < 15; n += 1) {
        const cuts = wire.cuts;
        wire.cutAfter(1);
        const outcome = await store.commit(create(`/lost/${n}`), soon());
        assert(wire.cuts > cuts, 'the wire was never cut');
        assert.equal(outcome.won, true, 'a false conflict');
        const entry = await store.get(`/lost/${n}`, soon());
        assert.deepEqual([entry?.revision, entry?.created], [outcome.revision, outcome.revision]);
      }
    });
  });

  it('is not written twice when nothing guards it', async () => {
    await using({}, async (store) => {
      const { revision } = await store.commit(put('/twice', 'first'), soon());
      for (let n = 0; n < 15; n += 1) {
        wire.cutAfter(1);
        await store.commit(put('/twice', String(n)), soon());
      }
      const from = { prefix: '/twice', after: revision };
      const { changes } = await watched(store, from, (seen) => seen.at(-1)?.entry?.value === '14');
      assert.deepEqual(
        changes.map(({ entry }) => entry?.value),
        Array.from({ length: 15 }, (_, n) => String(n)),
      );
    });
  });

  it('that was told to be lost stays lost, though its first try arrives when the guards hold again', async () => {
    await using({}, async (store) => {
      await store.commit(put('/fence/first', ''), soon());
      await admin.put('/fence/a').value('a rival');
      const stranded = wire.strandNext();
      const outcome = store.commit(create('/fence/a'), soon());
      const arrive = await stranded;
      assert.equal((await outcome).won, false);
      await admin.delete().key('/fence/a');
      await arrive();
      assert.equal(await store.get('/fence/a', soon()), undefined);
      // nor is the slot's next commit mistaken for it
      assert.equal((await store.commit(create('/fence/a'), soon())).won, true);
    });
  });

  it('leaves no more marks than commits were ever on their way at once', async () => {
    await using({}, async (store) => {
      const holding = await store.hold(5_000, soon());
      for (let n = 0; n < 100; n += 1)
        await Promise.all([
          store.commit(put('/marks/a', ''), soon()),
          store.commit(put('/marks/b', ''), soon()),
        ]);
      await holding.release(soon());
      const counts = new Map<string, number>();
      for (const key of await admin.getAll().prefix(MARKS).keys()) {
        const lease = key.split('/')[3] ?? '';
        counts.set(lease, (counts.get(lease) ?? 0) + 1);
      }
      assert.equal([...counts.values()].at(-1), 2);
    });
  });
});

describe('etcd3 defects: users and tokens', () => {
  let guarded: EtcdCluster;
  const auth = { username: 'corral', password: 'secret' };
  before(async () => {
    guarded = await EtcdCluster.start();
    const root = new Etcd3({ hosts: guarded.urls });
    await root.role('root').create();
    await root.user('root').create('root');
    await root.user('root').addRole('root');
    const role = await root.role('corral').create();
    await role.grant({ permission: 'Readwrite', range: root.range({ prefix: '/corral/' }) });
    await root.user(auth.username).create(auth.password);
    await root.user(auth.username).addRole('corral');
    await root.auth.authEnable();
    root.close();
  });
  after(() => guarded.stop());

  it('4: a watch that is refused says so, and stops no other: each has a stream of its own', async () => {
    await using({ hosts: guarded.urls, auth }, async (store) => {
      const { revision } = await store.commit(put('/corral/a', '1'), soon());
      const first = watched(
        store,
        { prefix: '/corral/', after: revision },
        (seen) => seen.length > 0,
      );
      await assert.rejects(
        watched(store, { prefix: '/forbidden/', after: revision }, () => false),
        (fault) => fault instanceof LedgerRefused && /permission denied/.test(fault.message),
      );
      const second = watched(
        store,
        { prefix: '/corral/', after: revision },
        (seen) => seen.length > 0,
      );
      await store.commit(put('/corral/a', '2'), soon());
      assert.equal((await first).changes[0]?.entry?.value, '2');
      assert.equal((await second).changes[0]?.entry?.value, '2');
      await assert.rejects(store.commit(put('/forbidden/a', ''), soon()), LedgerRefused);
    });
  });

  it('10: a watch gets a new token when etcd has forgotten the last', async () => {
    // Nothing but streams: no pulse, no commit and no holding renews the token beside them.
    await using({ hosts: guarded.urls, auth, pulseMs: 600_000 }, async (store) => {
      const root = new Etcd3({ hosts: guarded.urls, auth: { username: 'root', password: 'root' } });
      const { header } = await root.put('/corral/b').value('0');
      const from = { prefix: '/corral/', after: Number(header.revision) };
      const old = watched(store, from, (seen) => seen.length > 0);
      const opened = await store.get('/corral/b', soon());
      assert.equal(opened?.value, '0');
      // Tokens are in etcd's log and outlive a restart; what ends them is their age, or this.
      const nobody = new Etcd3({ hosts: guarded.urls });
      await root.auth.authDisable();
      await nobody.auth.authEnable();
      nobody.close();
      await guarded.only.stop();
      guarded.only.start();
      await guarded.only.ready();
      const last = Number((await root.put('/corral/b').value('1')).header.revision);
      assert.equal((await old).changes[0]?.revision, last);
      const fresh = watched(store, from, (seen) => seen.length > 0);
      assert.equal((await fresh).changes[0]?.revision, last);
      root.close();
    });
  });

  it('10: a holding is kept on while nothing else renews the token', async () => {
    await using({ hosts: guarded.urls, auth, pulseMs: 600_000 }, async (store) => {
      const holding = await store.hold(6_000, soon());
      const writes = [{ put: '/corral/held', value: '1', holding }];
      await store.commit({ guards: [], writes }, soon());
      await guarded.only.stop();
      guarded.only.start();
      await guarded.only.ready();
      await holding.release(soon());
      assert.equal(await store.get('/corral/held', soon()), undefined);
    });
  });

  it('a wrong password is refused, not retried until the deadline', async () => {
    const wrong = { username: 'corral', password: 'wrong' };
    await using({ hosts: guarded.urls, auth: wrong, callWithinMs: 600_000 }, async (store) => {
      await assert.rejects(store.get('/corral/a', soon()), LedgerRefused);
    });
  });
});
