import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { TestContext } from 'node:test';
import { after } from 'node:test';
import { promisify } from 'node:util';
import { Etcd3 } from 'etcd3';
import type { LimitWish } from '../../src/core/limit-edit.ts';
import type { AuditRecord, LimitRecord, LimitStatusRecord } from '../../src/core/limit-record.ts';
import type { LeaseRecord, TallyRecord } from '../../src/core/lease-record.ts';
import { listAudit } from '../../src/ledger/audit.ts';
import { checkLedger } from '../../src/ledger/check.ts';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import { keys } from '../../src/ledger/keys.ts';
import type { AddressAsk, AddressGrant } from '../../src/ledger/leases.ts';
import { takeAddress } from '../../src/ledger/leases.ts';
import type { Edited, EditOptions, LimitEdit } from '../../src/ledger/limit-edit.ts';
import { editLimits } from '../../src/ledger/limit-edit.ts';
import type { Codec } from '../../src/ledger/records.ts';
import { records } from '../../src/ledger/records.ts';
import type { Released } from '../../src/ledger/release.ts';
import { releaseAddress } from '../../src/ledger/release.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { lay, opened, patience } from './opened.ts';

export const NODE = 'node-1';

/** Links of 1 Gbit/s of which 900 Mbit/s may be shared out, on two nodes. */
export const topology = {
  pools: { p: { cidr: '198.51.100.0/24', gateway: '198.51.100.1' } },
  networks: { prod: { pools: ['p'], defaultIn: '10mbit', defaultOut: '20mbit' } },
  nodes: {
    [NODE]: { link: '1gbit', headroom: 0.9 },
    'node-2': { link: '1gbit', headroom: 0.9 },
  },
};

let ids = 0;

/** A ledger with two nodes, and what people do to its limits. */
export class LimitBench {
  /** Endpoint of the etcd behind the store, where there is one. */
  etcd: string | undefined;
  constructor(readonly store: Store) {}

  /** Each with a deadline of its own. */
  get options(): EditOptions {
    return {
      clock: systemClock,
      signal: patience(),
      // within a millisecond, too, the newer has the smaller id
      random: () => String(999_999 - (ids += 1)),
      attempts: 1_000,
      chance: Math.random,
    };
  }

  /** 100 and 200 kbit/s unless told otherwise. */
  take(node: string, incarnation: string, more: Partial<AddressAsk> = {}): Promise<AddressGrant> {
    const ask = { netInKbit: 100, netOutKbit: 200, container: incarnation, app: '/web', ...more };
    return takeAddress(this.store, { node, network: 'prod', incarnation, ...ask }, this.options);
  }

  release(node: string, address: string, incarnation: string): Promise<Released> {
    const options = { ...this.options, coolDownMs: 0 };
    return releaseAddress(this.store, { node, address, incarnation }, options);
  }

  async edit(
    address: string,
    wish: LimitWish | 'reset',
    more: Partial<LimitEdit> = {},
  ): Promise<Edited> {
    const edit = { node: NODE, addresses: [address], wish, who: 'alice', by: 'cli', ...more };
    const [edited] = await editLimits(this.store, edit as LimitEdit, this.options);
    assert(edited);
    return edited;
  }

  async #read<R>(key: string, codec: Codec<R>): Promise<R | undefined> {
    const entry = await this.store.get(key, patience());
    return entry && codec.decode(entry);
  }

  lease = (address: string, node = NODE): Promise<LeaseRecord | undefined> =>
    this.#read(keys.lease(node, address), records.lease);
  limit = (address: string, node = NODE): Promise<LimitRecord | undefined> =>
    this.#read(keys.limit(node, address), records.limit);
  status = (address: string, node = NODE): Promise<LimitStatusRecord | undefined> =>
    this.#read(keys.limitStatus(node, address), records.limitStatus);
  tally = (node = NODE): Promise<TallyRecord | undefined> =>
    this.#read(keys.tally(node), records.tally);

  /** Newest first. */
  async audit(): Promise<readonly AuditRecord[]> {
    const { entries } = await listAudit(this.store, { limit: 1_000 }, patience());
    return entries.map(({ record }) => record);
  }

  async revision(): Promise<number> {
    return (await this.store.range({ prefix: '/', limit: 1 }, patience())).revision;
  }

  /** Writes to a limit's key as anybody may: with etcdctl where there is an etcd. */
  async raw(address: string, value: string | undefined, node = NODE): Promise<void> {
    const key = keys.limit(node, address);
    if (this.etcd === undefined) {
      const write = value === undefined ? { drop: key } : { put: key, value };
      await this.store.commit({ guards: [], writes: [write] }, patience());
      return;
    }
    const argv = value === undefined ? ['del', key] : ['put', key, '--', value];
    await promisify(execFile)('etcdctl', ['--endpoints', this.etcd, ...argv], {
      env: { PATH: process.env['PATH'], ETCDCTL_API: '3' },
      timeout: 180_000,
    });
  }

  async sound(): Promise<void> {
    const { findings } = await checkLedger(this.store, patience());
    assert.deepEqual(findings, []);
  }
}

export interface Backend {
  readonly name: string;
  open(t: TestContext): Promise<LimitBench>;
}

let etcd: Promise<EtcdCluster> | undefined;
after(async () => (await etcd)?.stop());

const etcdBackend: Backend = {
  name: 'etcd',
  async open(t) {
    const cluster = await (etcd ??= EtcdCluster.start());
    const admin = new Etcd3({ hosts: cluster.urls });
    await admin.delete().all();
    admin.close();
    const store = openEtcdStore({ hosts: cluster.urls, clock: systemClock, log: silentLog });
    t.after(() => store.close());
    const bench = new LimitBench(store);
    bench.etcd = cluster.only.url;
    return bench;
  },
};

const embeddedBackend: Backend = {
  name: 'embedded',
  open: async (t) => new LimitBench(await opened(t)),
};

/** Both ledgers; the etcd is one for the whole file, emptied for each test. */
export const backends: readonly Backend[] = [embeddedBackend, etcdBackend];

export async function benchOn(backend: Backend, t: TestContext): Promise<LimitBench> {
  const bench = await backend.open(t);
  await lay(bench.store, topology);
  return bench;
}
