import { after, before } from 'node:test';
import { Etcd3 } from 'etcd3';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { storeContract } from '../contract/store.ts';
import { CuttingProxy } from '../fakes/etcd-proxy.ts';
import { EtcdCluster } from '../fakes/etcd.ts';

const never = new AbortController().signal;
let etcd: EtcdCluster;
let wire: CuttingProxy;
let admin: Etcd3;
before(async () => {
  etcd = await EtcdCluster.start();
  wire = await CuttingProxy.to(etcd.only.port);
  admin = new Etcd3({ hosts: etcd.urls });
});
after(async () => {
  admin.close();
  await wire.close();
  await etcd.stop();
});

storeContract({
  name: 'etcd',
  open: async (callWithinMs) =>
    Promise.resolve(
      openEtcdStore({ hosts: [wire.url], clock: systemClock, log: silentLog, callWithinMs }),
    ),
  compact: async (store) => {
    const { revision } = await store.range({ prefix: '/', limit: 1 }, never);
    await admin.kv.compact({ revision });
  },
  restart: async () => {
    await etcd.only.stop();
    etcd.only.start();
    await etcd.only.ready();
  },
  cut: () => wire.cut(),
  cutAfter: (bytes) => {
    const before = wire.cuts;
    wire.cutAfter(bytes);
    return () => wire.cuts - before;
  },
  hang: () => {
    etcd.only.hang();
    return { wake: () => etcd.only.wake() };
  },
  ownersDie: true,
});
