import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { smallTopology, startTestCluster, type TestCluster } from './cluster.ts';
import { sendRaw } from './raw.ts';
import { webApp } from './specs.ts';
import { settled, verdictOf } from './started.ts';

describe('a Marathon and a Mesos of two processes each', { timeout: 400_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      virtual: true,
      topology: smallTopology(8),
      sim: { standbys: { marathon: [{ port: 0 }], mesos: [{ port: 0 }] } },
    });
  });
  after(() => cluster.stop());

  it('lead in turn, and changes are judged and taken on by whoever leads', async () => {
    for (const [round, leader] of [1, 0, 1].entries()) {
      cluster.sim.elect('marathon', leader);
      cluster.sim.elect('mesos', leader);
      const id = `/turn/web-${round}`;
      const text = JSON.stringify(webApp(id));
      // In chunks: a standby would lose such a body on its way to the leader.
      const raw = { method: 'POST', path: '/v2/apps', body: [text.slice(0, 9), text.slice(9)] };
      const answer = await sendRaw(cluster.gate.url, raw);
      assert.equal(answer.status, 201, answer.text);
      assert.match(String(answer.headers['corral-verdict']), /^admit/);
      await settled(cluster, { [id]: 1 });
    }
    const over = await cluster.request('POST', '/v2/apps', webApp('/turn/big', { instances: 6 }));
    assert.equal(over.status, 422, over.text);
    assert.match(over.json.message as string, /5 addresses are free/);
  });

  it('serve events through the gate wherever the leader is', async () => {
    cluster.sim.elect('marathon', 1);
    const stop = new AbortController();
    const answer = await fetch(`${cluster.gate.url}/v2/events?event_type=deployment_success`, {
      headers: { Accept: 'text/event-stream' },
      redirect: 'error',
      signal: stop.signal,
    });
    assert.equal(answer.status, 200);
    const made = await cluster.request('POST', '/v2/apps', webApp('/turn/seen'));
    assert.equal(made.status, 201);
    await settled(cluster, { '/turn/seen': 1 });
    let heard = '';
    for await (const chunk of answer.body ?? []) {
      heard += Buffer.from(chunk as Uint8Array).toString();
      if (heard.includes(String(made.json.deployments[0].id))) break;
    }
    stop.abort();
    assert.match(heard, /event: deployment_success/);
  });

  it('answer with a gateway fault while nobody leads, and promise nothing by it', async () => {
    cluster.sim.elect('marathon', 'none');
    const answer = await cluster.request('POST', '/v2/apps', webApp('/turn/none'));
    assert.ok(answer.status >= 500, answer.text);
    cluster.sim.elect('marathon', 0);
    const again = await cluster.request('POST', '/v2/apps', webApp('/turn/none'));
    assert.equal(again.status, 201, again.text);
    assert.equal(verdictOf(again), 'admit');
    await settled(cluster, { '/turn/none': 1 });
    assert.equal(cluster.sim.launchFailures().total, 0);
  });
});
