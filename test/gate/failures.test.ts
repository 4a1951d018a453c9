import assert from 'node:assert/strict';
import { it } from 'node:test';
import { minuteOf } from '../../src/core/failure-record.ts';
import { listFailures } from '../../src/ledger/failures.ts';
import { smallTopology, startTestCluster } from './cluster.ts';
import { webApp } from './specs.ts';

it('a launch that a simulated node refuses is told in the ledger, with figures', async () => {
  const settings = { gate: { brake: { mode: 'off' } } } as const; // it would end the loop
  const cluster = await startTestCluster({ topology: smallTopology(2), settings });
  try {
    const app = webApp('/web', { instances: 4, backoffSeconds: 0.2, backoffFactor: 1 });
    assert.equal((await cluster.direct('POST', '/v2/apps', app)).status, 201);
    const list = async () =>
      (await listFailures(cluster.store, {}, AbortSignal.timeout(180_000))).failures;
    await cluster.until(
      async () => (await list()).reduce((sum, { record }) => sum + record.count, 0) >= 5,
      'five failed launches are told',
    );
    await cluster.direct('DELETE', '/v2/apps/web?force=true');
    const failures = await list();
    const groups = failures.map(({ record }) => `${record.node} ${minuteOf(record.atMs)}`);
    assert.equal(new Set(groups).size, groups.length, 'one record for a node in a minute');
    for (const { record } of failures) {
      assert.deepEqual([record.app, record.network, record.short], ['/web', 'prod', 'address']);
      assert.match(record.why, /pool "prod-a" has 2 addresses: 2 held/);
      assert.match(record.task ?? '', /^web\./);
    }
  } finally {
    await cluster.stop();
  }
});
