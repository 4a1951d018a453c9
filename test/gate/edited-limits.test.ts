import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { checkLedger } from '../../src/ledger/check.ts';
import type { EditOptions } from '../../src/ledger/limit-edit.ts';
import { editLimits } from '../../src/ledger/limit-edit.ts';
import { findHoldings, targetOf } from '../../src/ledger/limit-target.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { smallNodes, smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { webApp } from './specs.ts';

/** One node with a link of 1 Gbit/s, of which 950 Mbit/s are for containers. */
describe('the gate judges by the limits in force', { timeout: 400_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      topology: smallTopology(8, 1),
      nodes: smallNodes(1),
    });
  });
  after(() => cluster.stop());

  const signal = (): AbortSignal => AbortSignal.timeout(180_000);
  let ids = 0;
  const random = (): string => String((ids += 1));
  const options = (): EditOptions => ({ clock: systemClock, signal: signal(), random });

  const post = (id: string, rate: string, instances = 1) =>
    cluster.request(
      'POST',
      '/v2/apps',
      webApp(id, { instances, env: { net_in: rate, net_out: '1mbit' } }),
    );
  const runs = (app: string, count: number): Promise<void> =>
    cluster.until(() => cluster.gate.view.snapshot.heldBy(app) === count, `${count} of ${app} run`);
  const set = async (app: string, netInKbit: number, force = false) => {
    const [holding] = await findHoldings(cluster.store, targetOf(app), signal());
    const { node, address } = holding!;
    const wish = { netInKbit, ...(force && { force }) };
    const edit = { node, addresses: [address], wish, who: 'alice', by: 'cli' } as const;
    return editLimits(cluster.store, edit, options());
  };

  it('refuses what a raised limit left no room for, and admits it once that sank', async () => {
    assert.equal((await post('/web', '100mbit')).status, 201);
    await runs('/web', 1);
    await set('/web', 600_000);
    const refused = await post('/mail', '400mbit');
    assert.equal(refused.status, 422, refused.text);
    assert.match(refused.json.message, /net_in .*exhausted.*350 Mbit\/s/);
    await set('/web', 550_000);
    const admitted = await post('/mail', '400mbit');
    assert.equal(admitted.status, 201, admitted.text);
    await runs('/mail', 1);
  });

  it('keeps room that was promised from being given to a limit', async () => {
    // 550 and 400 of 950 Mbit/s are held: nothing may grow
    await assert.rejects(set('/web', 550_001), { code: 'limit-past-link' });
    await set('/web', 100_000);
    // three of 150: promised at once, held once each has started
    assert.equal((await post('/shop', '150mbit', 3)).status, 201);
    await assert.rejects(set('/web', 100_001), { code: 'limit-past-link' });
    await runs('/shop', 3);
    await assert.rejects(set('/web', 100_001), { code: 'limit-past-link' });
  });

  it('counts what was forced past the link as taken', async () => {
    await set('/web', 2_000_000, true);
    const refused = await post('/small', '1kbit');
    assert.equal(refused.status, 422, refused.text);
    assert.match(refused.json.message, /net_in is exhausted/);
    assert.equal(cluster.gate.view.snapshot.nodes()[0]?.tally?.forced, 1);
    const { findings } = await checkLedger(cluster.store, signal());
    assert.deepEqual(findings, []);
  });
});
