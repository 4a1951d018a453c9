import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import type { Holding, Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { listed, watched } from '../contract/store.ts';
import { EtcdCluster } from '../fakes/etcd.ts';

const WRITERS = 16;
const soon = (): AbortSignal => AbortSignal.timeout(180_000);

/** Each adds to its own number, guarded, again and again. A writer's key is nobody else's. */
class Writers {
  readonly #root: string;
  readonly #store: Store;
  readonly #ending = new AbortController();
  readonly counts = new Array<number>(WRITERS).fill(0);
  longestGapMs = 0;
  #lastAt = performance.now();
  readonly #done: Promise<void[]>;
  /** Only rejects: with what ended a writer. */
  readonly #failed: Promise<never>;

  constructor(store: Store, root: string) {
    this.#store = store;
    this.#root = root;
    this.#done = Promise.all(this.counts.map((_, writer) => this.#write(writer)));
    this.#failed = this.#done.then(() => new Promise<never>(() => undefined));
    this.#failed.catch(() => undefined); // told by whoever waits for more, and by `stop`
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when so many more commits were acknowledged. */
  async more(count: number): Promise<void> {
    for (const target = this.total + count; this.total < target;)
      await Promise.race([wait(10), this.#failed]);
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#done;
  }

  async #write(writer: number): Promise<void> {
    let revision = 0;
    while (!this.#ending.signal.aborted) {
      const key = `${this.#root}${writer}`;
      const value = String((this.counts[writer] as number) + 1);
      const guards = [{ key, revision }];
      const outcome = await this.#store.commit({ guards, writes: [{ put: key, value }] }, soon());
      assert.equal(outcome.won, true, 'a false conflict');
      revision = outcome.revision;
      this.counts[writer] = (this.counts[writer] as number) + 1;
      const now = performance.now();
      this.longestGapMs = Math.max(this.longestGapMs, now - this.#lastAt);
      this.#lastAt = now;
    }
  }
}

describe('three etcd members under 16 guarded writers', () => {
  let cluster: EtcdCluster;
  let store: Store;
  let holding: Holding;
  before(async () => {
    cluster = await EtcdCluster.start(3);
    const options = { clock: systemClock, log: silentLog, callWithinMs: 120_000 };
    store = openEtcdStore({ hosts: cluster.urls, ...options });
    // kept every 10 s: how long the members take to agree on a leader is the machine's affair
    holding = await store.hold(30_000, soon());
  });
  after(async () => {
    await holding.release(soon());
    await store.close();
    await cluster.stop();
  });

  for (const { says, root, fault, mend } of [
    {
      says: 'the leader is killed',
      root: '/killed/',
      fault: async () => {
        const leader = await cluster.leader();
        await leader.stop('SIGKILL');
        return leader;
      },
      mend: async (member: Awaited<ReturnType<EtcdCluster['leader']>>) => {
        member.start();
        await member.ready();
      },
    },
    {
      says: 'the leader hangs',
      root: '/leader-hung/',
      fault: async () => {
        const leader = await cluster.leader();
        leader.hang();
        return leader;
      },
      mend: async (member: Awaited<ReturnType<EtcdCluster['leader']>>) => {
        member.wake();
        await member.ready();
      },
    },
    {
      says: 'a follower hangs',
      root: '/follower-hung/',
      fault: async () => {
        const leader = await cluster.leader();
        const follower = cluster.members.find((member) => member !== leader);
        assert(follower);
        follower.hang();
        return follower;
      },
      mend: async (member: Awaited<ReturnType<EtcdCluster['leader']>>) => {
        member.wake();
        await member.ready();
      },
    },
  ]) {
    it(`lose nothing, double nothing and see no error while ${says}`, async (t) => {
      const { revision } = await store.range({ prefix: root, limit: 1 }, soon());
      const writers = new Writers(store, root);
      await writers.more(100);
      const member = await fault();
      const before = writers.total;
      await writers.more(300);
      await mend(member);
      await writers.more(100);
      await writers.stop();
      t.diagnostic(
        `longest gap without success ${Math.round(writers.longestGapMs)} ms, ${before} commits before the fault, ${writers.total} in all`,
      );
      const entries = await listed(store, root);
      assert.deepEqual(
        entries.map(({ value }) => Number(value)).sort(),
        [...writers.counts].sort(),
      );
      const from = { prefix: root, after: revision };
      const { changes } = await watched(store, from, (seen) => seen.length >= writers.total);
      assert.equal(
        new Set(changes.map(({ key, entry }) => `${key} ${entry?.value}`)).size,
        writers.total,
      );
      assert.equal(changes.length, writers.total);
      assert.equal(holding.lost.aborted, false, 'the holding was lost');
    });
  }
});
