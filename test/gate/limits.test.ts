import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { startTestCluster, type TestCluster } from './cluster.ts';
import { webApp } from './specs.ts';

describe("the gate's own limits", { timeout: 400_000 }, () => {
  let cluster: TestCluster;
  let hasty: TestCluster;
  before(async () => {
    const gate = { maxConcurrentJudged: 2, bodyWithinMs: 600_000 };
    cluster = await startTestCluster({ virtual: true, settings: { gate } });
    hasty = await startTestCluster({
      virtual: true,
      settings: { gate: { ...gate, bodyWithinMs: 500 } },
    });
  });
  after(async () => {
    await cluster.stop();
    await hasty.stop();
  });

  /** A change whose body does not come. */
  const stalled = ({
    gate,
  }: TestCluster): { out: ClientRequest; answer: Promise<IncomingMessage> } => {
    const out = request(`${gate.url}/v2/apps`, {
      method: 'POST',
      headers: { 'Content-Length': '500' },
    });
    out.on('error', () => undefined);
    out.write('{"id":');
    return { out, answer: once(out, 'response').then(([res]) => res as IncomingMessage) };
  };

  it('two slow changes hold two places: a third is 429, reads pass, and the places come back', async () => {
    const slow = [stalled(cluster), stalled(cluster)];
    await cluster.until(async () => {
      const third = await cluster.request('POST', '/v2/apps', 'no JSON');
      if (third.status !== 429) return false;
      assert.equal(third.headers.get('retry-after'), '1');
      assert.match(third.json.message as string, /2 changes are being judged already/);
      return true;
    }, 'both places are taken');
    assert.equal((await cluster.request('GET', '/v2/apps')).status, 200);
    assert.equal((await cluster.request('DELETE', '/v2/apps/none')).status, 404);
    for (const { out, answer } of slow) {
      answer.catch(() => undefined);
      out.destroy();
    }
    await cluster.until(async () => {
      const { status, text } = await cluster.request('POST', '/v2/apps', webApp('/later'));
      if (status === 429) return false;
      assert.equal(status, 201, text);
      return true;
    }, 'a place is free');
    assert.equal(cluster.arrived().filter(({ method }) => method === 'POST').length, 1);
  });

  it('slow changes are 408, and their places come back', async () => {
    for (const { out, answer } of [stalled(hasty), stalled(hasty)]) {
      const { statusCode, headers } = await answer;
      assert.equal(statusCode, 408);
      assert.equal(headers['corral-refusal'], 'body-too-slow');
      out.destroy();
    }
    assert.equal(hasty.arrived().filter(({ method }) => method === 'POST').length, 0);
  });
});
