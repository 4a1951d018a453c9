import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import type { TestContext } from 'node:test';
import { checkLedger } from '../../src/ledger/check.ts';
import type { Desk, DeskOptions, TakeAsk } from '../../src/ledger/desk.ts';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import { prefixes } from '../../src/ledger/keys.ts';
import { listAll } from '../../src/ledger/listing.ts';
import { openDesk } from '../../src/ledger/open-desk.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { CuttingProxy } from '../fakes/etcd-proxy.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { HandClock, lay, opened, patience } from './opened.ts';

/** How a suite gets a ledger of its own for each test. */
export type Backend = (t: TestContext) => Promise<Store>;

/** Declares the suite once for each backend; etcd is one server, emptied between the tests. */
export function onEachBackend(name: string, suite: (backend: Backend) => void): void {
  describe(`${name} on the embedded ledger`, () => suite((t) => opened(t)));
  describe(`${name} on etcd`, () => {
    let etcd: EtcdCluster | undefined;
    before(async () => {
      etcd = await EtcdCluster.start();
    });
    after(() => etcd?.stop());
    suite((t) => emptied(t, etcd as EtcdCluster, etcd?.only.url ?? ''));
  });
}

/** A store on `url`, with nothing in it. */
export async function emptied(t: TestContext, etcd: EtcdCluster, url: string): Promise<Store> {
  const options = { clock: systemClock, log: silentLog, callWithinMs: 60_000 };
  const admin = openEtcdStore({ ...options, hosts: etcd.urls });
  const { entries } = await listAll(admin, '/corral/v1/', { signal: patience() });
  for (let at = 0; at < entries.length; at += 100)
    await admin.commit(
      { guards: [], writes: entries.slice(at, at + 100).map(({ key }) => ({ drop: key })) },
      patience(),
    );
  await admin.close();
  const store = openEtcdStore({ ...options, hosts: [url] });
  t.after(() => store.close());
  return store;
}

/** An etcd behind a wire that can be cut. */
export interface Wired {
  readonly etcd: EtcdCluster;
  readonly wire: CuttingProxy;
}

export async function wired(t: TestContext): Promise<Wired> {
  const etcd = await EtcdCluster.start();
  const wire = await CuttingProxy.to(etcd.only.port);
  t.after(async () => {
    await wire.close();
    await etcd.stop();
  });
  return { etcd, wire };
}

export const SMALL = { cidr: '198.51.100.0/29', gateway: '198.51.100.1' }; // .2 to .6: five addresses
export const NODES = ['node-1', 'node-2', 'node-3', 'node-4'];

/** Desks on one ledger with a network `prod`, whose invariants hold after the test. */
export class DeskBench {
  readonly clock = new HandClock();
  readonly #desks: Desk[] = [];
  constructor(readonly store: Store) {}

  static async of(
    t: TestContext,
    store: Store,
    pools: Readonly<Record<string, unknown>>,
  ): Promise<DeskBench> {
    const nodes = Object.fromEntries(NODES.map((node) => [node, { link: '1gbit' }]));
    await lay(store, { pools, networks: { prod: { pools: Object.keys(pools) } }, nodes });
    return new DeskBench(store);
  }

  desk(node: string, more: Partial<DeskOptions> = {}): Desk {
    const desk = openDesk(this.store, { node, clock: this.clock, log: silentLog, ...more });
    this.#desks.push(desk);
    return desk;
  }

  /** Every desk closed, and nothing in the ledger contradicts anything else. */
  async sound(): Promise<void> {
    await Promise.all(this.#desks.map((desk) => desk.close()));
    const { findings } = await checkLedger(this.store, patience());
    assert.deepEqual(findings, []);
  }

  async leased(): Promise<readonly string[]> {
    const { entries } = await listAll(this.store, prefixes.leases, { signal: patience() });
    return entries.map(({ key }) => key.slice(prefixes.leases.length));
  }
}

export const ask = <More extends Partial<TakeAsk> = object>(
  incarnation: string,
  more?: More,
): TakeAsk & More => ({ network: 'prod', incarnation, by: 'docker', ...(more as More) });
