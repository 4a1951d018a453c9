import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openEtcdStore } from '../../src/ledger/etcd/store.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { EtcdCluster } from '../fakes/etcd.ts';
import { CuttingProxy } from '../fakes/etcd-proxy.ts';
import { smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { webApp } from './specs.ts';
import { started, verdictOf } from './started.ts';

for (const whenLedgerDown of ['refuse', 'pass'] as const)
  describe(
    `with the ledger out of reach and whenLedgerDown: ${whenLedgerDown}`,
    {
      timeout: 400_000,
    },
    () => {
      let etcd: EtcdCluster;
      let wire: CuttingProxy;
      let store: Store;
      let cluster: TestCluster;
      before(async () => {
        etcd = await EtcdCluster.start();
        wire = await CuttingProxy.to(etcd.only.port);
        store = openEtcdStore({ hosts: [wire.url], clock: systemClock, log: silentLog });
        cluster = await startTestCluster({
          store,
          virtual: true,
          topology: smallTopology(20),
          settings: { gate: { whenLedgerDown, decideWithinMs: 6_000 } },
        });
        await started(cluster, webApp('/web', { instances: 3 }), webApp('/old'), webApp('/fewer'));
        wire.refuse(true);
      });
      after(async () => {
        wire.refuse(false);
        await cluster.stop();
        await store.close();
        await wire.close();
        await etcd.stop();
      });

      for (const [says, ask] of [
        ['a read', ['GET', '/v2/apps/web']],
        ['a scale-down', ['PUT', '/v2/apps/web', { instances: 2 }]],
        ['a kill that scales', ['DELETE', '/v2/apps/fewer/tasks?scale=true']],
        ['a delete', ['DELETE', '/v2/apps/old']],
      ] as const)
        it(`${says} passes`, async () => {
          const [method, path, body] = ask;
          const answer = await cluster.request(method, path, body);
          assert.equal(answer.status, 200, answer.text);
          assert.notEqual(verdictOf(answer), 'refuse');
        });

      for (const [says, ask] of [
        ['a launch', ['POST', '/v2/apps', webApp('/new')]],
        ['a scale-up', ['PUT', '/v2/apps/web?force=true', { instances: 5 }]],
        ['a restart', ['POST', '/v2/apps/web/restart?force=true']],
      ] as const)
        it(`${says} ${whenLedgerDown === 'pass' ? 'passes unjudged' : 'is refused'}, and says so`, async () => {
          const [method, path, body] = ask;
          const known = cluster.arrived().length;
          const answer = await cluster.request(method, path, body);
          if (whenLedgerDown === 'pass') {
            assert.ok(answer.status < 300, answer.text);
            assert.equal(answer.headers.get('corral-verdict'), 'pass; reason=ledger-down');
            assert.equal(cluster.arrived().length, known + 1);
            return;
          }
          assert.equal(answer.status, 503, answer.text);
          assert.match(answer.headers.get('corral-refusal') ?? '', /^ledger-(behind|unreachable)$/);
          assert.match(answer.json.message as string, /ledger/);
          assert.equal(cluster.arrived().length, known);
        });

      it('judges again once the ledger is back', async () => {
        wire.refuse(false);
        await cluster.until(() => cluster.gate.view.state().ready, 'the ledger is followed');
        const answer = await cluster.request(
          'POST',
          '/v2/apps',
          webApp('/back', { instances: 99 }),
        );
        assert.equal(answer.status, 422, answer.text);
        assert.match(answer.json.message as string, /^cannot launch 99 instances of \/back/);
      });
    },
  );
