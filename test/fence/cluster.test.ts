import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FAST, startTestCluster, type TestCluster } from '../gate/cluster.ts';
import { webApp } from '../gate/specs.ts';
import { settled } from '../gate/started.ts';
import { patience } from '../ledger/opened.ts';
import { listFences } from '../../src/ledger/fences.ts';
import { twoRacks } from './two-racks.ts';

describe('a fence before a simulated cluster', { timeout: 400_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      topology: twoRacks(8),
      timing: FAST,
      settings: {
        fence: { mode: 'on', margin: 3, reopenAfterMs: 500, everyMs: 500, patienceMs: 1_000 },
      },
    });
  });
  after(() => cluster.stop());

  const fenced = async (): Promise<string[]> => {
    const { records } = await listFences(cluster.store, patience());
    return [...records].flatMap(([node, { record }]) =>
      record.state === 'closed' && record.mode === 'on' ? [node] : [],
    );
  };
  const offered = (): string[] =>
    cluster.gate.view.snapshot.nodes().flatMap(({ name, room }) => (room.offered ? [name] : []));

  it('takes nodes of a full rack out of offers, and says so', async () => {
    const r1 = { constraints: [['rack', 'LIKE', 'r1']] };
    await cluster.request('POST', '/v2/apps', webApp('/a', { instances: 6, cpus: 0.1, ...r1 }));
    // while launches wait, a node below the margin may be opened for them
    await cluster.until(() => cluster.gate.view.snapshot.heldBy('/a') === 6, 'all of it runs');
    const r1Nodes = 'node-1.example.org node-2.example.org';
    await cluster.until(
      async () => (await fenced()).sort().join(' ') === r1Nodes,
      'two nodes are fenced',
    );
    await cluster.until(() => offered().length === 1, 'Mesos offers the third only');
  });
});
