import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { openEmbeddedStore } from '../../../src/ledger/embedded/store.ts';
import { openEtcdStore } from '../../../src/ledger/etcd/store.ts';
import type { Store } from '../../../src/ledger/store.ts';
import { systemClock } from '../../../src/plumbing/clock.ts';
import { silentLog } from '../../../src/plumbing/log.ts';
import { EtcdCluster } from '../../fakes/etcd.ts';

export interface Backend {
  readonly name: string;
  readonly store: Store;
}

/** Each ledger there is, one after the other; `ONLY=etcd1` one of them. */
export async function* backends(): AsyncGenerator<Backend> {
  const only = process.env['ONLY'];
  const wanted = (name: string): boolean => only === undefined || only === name;
  if (wanted('embedded')) yield* embedded();
  if (wanted('etcd1')) yield* etcd(1, 'one etcd');
  if (wanted('etcd3')) yield* etcd(3, 'three etcd');
}

async function* embedded(): AsyncGenerator<Backend> {
  const directory = await mkdtemp(join(tmpdir(), 'corral-bench-'));
  const store = await openEmbeddedStore({ directory, clock: systemClock, log: silentLog });
  try {
    yield { name: 'embedded', store };
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
}

async function* etcd(members: number, name: string): AsyncGenerator<Backend> {
  const cluster = await EtcdCluster.start(members);
  const store = openEtcdStore({ hosts: cluster.urls, clock: systemClock, log: silentLog });
  try {
    yield { name, store };
  } finally {
    await store.close();
    await cluster.stop();
  }
}
