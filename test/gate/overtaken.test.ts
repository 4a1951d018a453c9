import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Seen } from '../fakes/upstream.ts';
import { smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { type Spec, webApp } from './specs.ts';
import { twoRacks } from './two-racks.ts';

const about = ({ target }: Seen): boolean => /^\/v2\/apps\/web(\?|$)/.test(target);

/**
 * Sends two changes of `/web`, the other while the first is on its way: Marathon is told of it only once it was asked
 * what it has on behalf of the other, and carries out the first one first.
 *
 * @param onOther  when Marathon is told of the other
 */
async function overtaken(
  cluster: TestCluster,
  { first, other, onOther }: { first: Spec; other: Spec; onOther: () => void },
): Promise<void> {
  const put = (body: Spec) => cluster.request('PUT', '/v2/apps/web?force=true', body);
  const told: Seen[] = [];
  let asked = false;
  let firstIsThrough = false;
  cluster.intercept(async (seen) => {
    if (!about(seen)) return false;
    if (seen.method === 'GET' && told.length > 0) asked = true;
    if (seen.method !== 'PUT') return false;
    told.push(seen);
    if (told.length === 1) await cluster.until(() => asked, 'the gate asks for the other');
    else {
      await cluster.until(() => firstIsThrough, 'the first is through');
      onOther();
    }
    return false;
  });
  const answers = [put(first).finally(() => (firstIsThrough = true))];
  await cluster.until(() => told.length === 1, 'the first is on its way');
  answers.push(put(other));
  for (const { status, text } of await Promise.all(answers)) assert.equal(status, 200, text);
  cluster.intercept(undefined);
  assert.equal(told.length, 2);
}

const runs = (cluster: TestCluster, count: number): Promise<void> =>
  cluster.until(async () => {
    const leases = (await cluster.leases()).filter(({ app }) => app === '/web');
    const { json } = await cluster.direct('GET', '/v2/deployments');
    return (
      leases.length === count && json.length === 0 && (await cluster.reservations()).size === 0
    );
  }, `${count} run and nothing is promised`);

describe('a change that comes while another of the same app is on its way', () => {
  it('is promised room for what that one took away', async () => {
    const cluster = await startTestCluster({ topology: smallTopology(20) });
    try {
      await cluster.request('POST', '/v2/apps', webApp('/web', { instances: 4 }));
      await runs(cluster, 4);
      let target: number | undefined;
      await overtaken(cluster, {
        first: { instances: 1 },
        other: { instances: 4 },
        onOther: () => (target = cluster.gate.view.snapshot.reservation('/web')?.target),
      });
      assert.ok(target !== undefined && target >= 4, `three start anew, promised: ${target}`);
    } finally {
      await cluster.stop();
    }
  });

  it('does not take for lost the constraints that one brings', async () => {
    const cluster = await startTestCluster({ topology: twoRacks });
    try {
      const full = webApp('/full', { instances: 2, constraints: [['rack', 'LIKE', 'r1']] });
      await cluster.request('POST', '/v2/apps', full);
      const web = webApp('/web', { constraints: [['hostname', 'LIKE', 'node-3.*']] });
      await cluster.request('POST', '/v2/apps', web);
      await runs(cluster, 1);
      await overtaken(cluster, {
        first: { constraints: [['hostname', 'MAX_PER', '9']] },
        other: { instances: 2 },
        onOther: () => undefined,
      });
      const { constraints } = (await cluster.direct('GET', '/v2/apps/web')).json.app;
      assert.equal(constraints.length, 2);
      assert.deepEqual(cluster.gate.view.injected.get('/web')?.constraints, constraints.slice(1));
    } finally {
      await cluster.stop();
    }
  });
});
